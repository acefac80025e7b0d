"""A status is plain data: it survives JSON, as ``/api/status`` and ``status --json`` need."""

import msgspec

from tests import statuses
from ticketpool.core.status import LatencyMs, ServiceStatus, total_lag


def test_a_status_survives_its_json() -> None:
    idle = statuses.partition(worker=None, pid=None, lag=None, latency_ms=LatencyMs())
    status = statuses.service(statuses.partition(), idle)
    assert msgspec.json.decode(msgspec.json.encode(status), type=ServiceStatus) == status


def test_a_sum_of_lags_is_known_when_each_is() -> None:
    known = [statuses.partition(), statuses.partition(partition=1, lag=0)]
    assert total_lag(known) == 42
    assert total_lag([*known, statuses.partition(partition=2, lag=None)]) is None
    assert total_lag([]) == 0
