"""What the service tells of itself, as immutable values: ``/api/status``, metrics, the demo.

The supervisor's loop makes a new ``ServiceStatus`` every half second and swaps
one reference; other threads read whole, consistent snapshots without a lock.
"""

import msgspec


class LatencyMs(msgspec.Struct, frozen=True):
    """Quantiles in milliseconds; ``None`` before the first record."""

    p50: float | None = None
    p99: float | None = None


class PartitionStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One assigned partition.

    Attributes:
        worker, pid: slot and process that hold its lane; ``None`` while there is none.
        committed: offset that the group has committed, ``None`` before the first.
        position: next offset to be settled; all before it are finished. ``None`` until known.
        high_watermark: the broker's; ``None`` until known.
        lag: ``high_watermark - position``, at least 0; ``None`` until known.
        buffered: records read and not yet sent to the worker.
        in_flight: records sent to the worker and not yet settled.
        paused: fetching is paused for back-pressure.
        in_flight_offset, in_flight_age_seconds: the record that the handler is
            running right now and for how long; ``None`` when idle.
        processed: records settled by the handler, over the life of this process.
        retried: calls beyond a record's first.
        dead_lettered, skipped: records that failed for good.
        redelivered: records sent to a worker again after a crash.
        latency_ms: decoding and handler, retries included.
        handler_seconds: their sum.
        handler_buckets: pairs of (upper bound in seconds, cumulative count), for Prometheus;
            the last bound is ``None``: all (JSON has no infinity).
    """

    topic: str
    partition: int
    worker: int | None
    pid: int | None
    committed: int | None
    position: int | None
    high_watermark: int | None
    lag: int | None
    buffered: int
    in_flight: int
    paused: bool
    in_flight_offset: int | None
    in_flight_age_seconds: float | None
    processed: int
    retried: int
    dead_lettered: int
    skipped: int
    redelivered: int
    latency_ms: LatencyMs
    handler_seconds: float
    handler_buckets: list[tuple[float | None, int]]


class WorkerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One slot of the pool.

    ``state``: starting, ready, draining or dead (waiting for its restart).
    """

    slot: int
    pid: int | None
    state: str
    restarts: int
    partitions: int


class ServiceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The whole service.

    Attributes:
        state: starting, joining, ready, draining or stopped.
        ready: an assignment has arrived and every worker is warm.
        made_at: ``time.monotonic()`` of this snapshot; an old one means a stuck loop.
        uptime_seconds: since start.
        partitions, workers: in order of (topic, number) and of slot.
        rebalances: assignments, revocations and losses so far, by kind.
        commits, commit_failures: offset commits that the broker took, or refused.
    """

    state: str
    ready: bool
    made_at: float
    uptime_seconds: float
    group: str
    handler: str
    partitions: list[PartitionStatus]
    workers: list[WorkerStatus]
    rebalances: dict[str, int]
    commits: int
    commit_failures: int
