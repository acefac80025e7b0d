"""A status is plain data: it survives JSON, as ``/api/status`` and ``status --json`` need."""

import msgspec

from tests import statuses
from ticketpool.core.status import LatencyMs, ServiceStatus


def test_a_status_survives_its_json() -> None:
    idle = statuses.partition(worker=None, pid=None, lag=None, latency_ms=LatencyMs())
    status = statuses.service(statuses.partition(), idle)
    assert msgspec.json.decode(msgspec.json.encode(status), type=ServiceStatus) == status
