"""Statuses made by hand, for tests of what is made from them."""

import time
from typing import Any

import msgspec

from ticketpool.core.status import LatencyMs, PartitionStatus, ServiceStatus, WorkerStatus

_PARTITION = PartitionStatus(
    topic="tickets",
    partition=0,
    worker=0,
    pid=4711,
    committed=90,
    position=100,
    high_watermark=142,
    lag=42,
    buffered=7,
    in_flight=5,
    paused=False,
    in_flight_offset=100,
    in_flight_age_seconds=1.5,
    processed=98,
    retried=3,
    dead_lettered=2,
    skipped=1,
    redelivered=4,
    latency_ms=LatencyMs(p50=0.25, p99=13.375),
    handler_seconds=2.5,
    handler_buckets=[(0.001, 40), (0.01, 90), (1.0, 98), (None, 98)],
)
_WORKER = WorkerStatus(slot=0, pid=4711, state="ready", restarts=2, partitions=1)


def partition(**changes: Any) -> PartitionStatus:
    """``tickets[0]``, busy and with a lag of 42, but for ``changes``."""
    return msgspec.structs.replace(_PARTITION, **changes)


def worker(**changes: Any) -> WorkerStatus:
    """The ready worker in slot 0, but for ``changes``."""
    return msgspec.structs.replace(_WORKER, **changes)


def service(*partitions: PartitionStatus, **changes: Any) -> ServiceStatus:
    """A ready service as of now with one worker, but for ``changes``."""
    status = ServiceStatus(
        state="ready",
        ready=True,
        made_at=time.monotonic(),
        uptime_seconds=61.0,
        group="ticket-processor-group",
        handler="shop.orders:handle",
        partitions=list(partitions or [_PARTITION]),
        workers=[_WORKER],
        rebalances={"assigned": 3, "revoked": 2, "lost": 1},
        commits=812,
        commit_failures=5,
    )
    return msgspec.structs.replace(status, **changes)
