"""What the service tells of itself, as immutable values: ``/api/status``, metrics, the demo.

The supervisor's loop makes a new ``ServiceStatus`` every half second and swaps
one reference; other threads read whole, consistent snapshots without a lock.
"""

from collections.abc import Iterable

import msgspec


class LatencyMs(msgspec.Struct, frozen=True):
    """Quantiles in milliseconds; ``None`` before the first record."""

    p50: float | None = None
    p99: float | None = None


class Blame(msgspec.Struct, frozen=True, kw_only=True):
    """What a partition waits for, and with which record: only of one that does not get on.

    Attributes:
        kind: running, retrying, crashed, dead-letter, output, out-of-range, paused (by a person),
            worker (none is up), commit, broker or fetch.
        offset: the record to blame; ``None`` when no single one is.
        since_seconds: for how long it has been so.
        reason: one sentence for people.
        remedy: what to do: a command to paste, or a setting.
    """

    kind: str
    offset: int | None
    since_seconds: float
    reason: str
    remedy: str


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """A histogram of seconds, for Prometheus and for quantiles.

    Attributes:
        p50_ms, p99_ms: of the last minute (60 to 80 s), in milliseconds; ``None`` without
            records in it.
        seconds: sum over the life of this process.
        buckets: pairs of (upper bound in seconds, cumulative count); the last bound is ``None``:
            all (JSON has no infinity).
    """

    p50_ms: float | None = None
    p99_ms: float | None = None
    seconds: float = 0.0
    buckets: list[tuple[float | None, int]] = []


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
        latency_ms: decoding and handler, retries included; of the last minute.
        handler_seconds: their sum, over the life of this process.
        handler_buckets: pairs of (upper bound in seconds, cumulative count), for Prometheus;
            the last bound is ``None``: all (JSON has no infinity).
        state: ok, warn, stall, stop or rewind (Burrow's rules), or blocked.
        state_seconds: for how long it has been in that state.
        blame: what it waits for, when it is not ok.
        time_lag_seconds: age of the oldest record that is not settled; 0 without one, ``None``
            until known.
        commit_lag: settled and not committed: ``position - committed``.
        rate_per_s: records settled per second, over the last ten seconds.
        held: paused by a person (``ticketpool pause``).
        waiting_letters: dead letters and outputs that are not acknowledged.
        parked_keys: keys whose tickets follow a dead letter (``--park-keys``).
        queue_wait, end_to_end: from being read to the start of the handler; from the record's
            timestamp to its settlement. One sample for each ack stands for its records
            (``supervisor.stopwatch``).
        All histograms are up to two seconds old when there are more than 64 partitions.
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
    state: str = "ok"
    state_seconds: float = 0.0
    blame: Blame | None = None
    time_lag_seconds: float | None = None
    commit_lag: int | None = None
    rate_per_s: float = 0.0
    held: bool = False
    waiting_letters: int = 0
    parked_keys: int = 0
    queue_wait: Spread = Spread()
    end_to_end: Spread = Spread()


def total_lag(partitions: Iterable[PartitionStatus]) -> int | None:
    """Over all of them; ``None`` while that of some is not known."""
    total = 0
    for one in partitions:
        if one.lag is None:
            return None
        total += one.lag
    return total


class WorkerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One slot of the pool.

    Attributes:
        state: starting, ready, draining or dead (waiting for its restart).
        restarts: processes started in place of dead or retired ones.
        restarts_by_reason: the ends of its processes by why: crashed, killed, hung, memory,
            retired, start (before it was warm).
        rss_bytes, cpu_seconds: of its process; ``None`` while there is none.
        cpu_seconds_total: of all processes of this slot; it never falls.
        uptime_seconds: of its process.
        last_end: how the last process of this slot ended, in words; ``None``: none has.
    """

    slot: int
    pid: int | None
    state: str
    restarts: int
    partitions: int
    restarts_by_reason: dict[str, int] = {}
    rss_bytes: int | None = None
    cpu_seconds: float | None = None
    cpu_seconds_total: float = 0.0
    uptime_seconds: float | None = None
    last_end: str | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that has happened, as the log told it.

    Attributes:
        at: seconds since 1970.
        level: info, warning or error.
        name: the log's event: assigned, revoked, worker exited, dead-lettered, ...
        fields: the log's fields, by name.
    """

    at: float
    level: str
    name: str
    fields: dict[str, str | int | float | bool | None] = {}


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """The service as a whole over a few seconds, for small graphs.

    Attributes:
        at: seconds since 1970, of its end.
        rate_per_s: records settled per second.
        lag: over all partitions, at its end; ``None`` until known.
        p50_ms, p99_ms: of the handler; ``None`` without a record.
    """

    at: float
    rate_per_s: float
    lag: int | None
    p50_ms: float | None
    p99_ms: float | None


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the brokers.

    Attributes:
        reachable: some broker answers.
        since_seconds: for how long that has been so.
        rtt_ms, throttle_ms: librdkafka's averages over its last window, of the slowest broker;
            fetches that wait for records are among the round trips (250 ms by default).
    """

    reachable: bool = True
    since_seconds: float = 0.0
    rtt_ms: float | None = None
    throttle_ms: float | None = None


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
        version, pid, host: of this supervisor.
        problems: why ``/healthz`` fails, one sentence each; empty when it does not.
        poll_age_seconds: since Kafka was last polled.
        cluster: the brokers.
        dead_letter_topics: where dead letters go, without repetition.
        events: the newest at the end, at most 100.
        history: one each two seconds, the newest at the end, at most 150.
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
    version: str = ""
    pid: int = 0
    host: str = ""
    problems: list[str] = []
    poll_age_seconds: float | None = None
    cluster: Cluster = Cluster()
    dead_letter_topics: list[str] = []
    events: list[Event] = []
    history: list[Sample] = []
