"""Statuses as supervisors may tell them, well and not."""

from typing import Any

from tests import statuses
from ticketpool.core.status import (
    Blame,
    Cluster,
    Event,
    PartitionStatus,
    Sample,
    ServiceStatus,
    Spread,
)

AT = 1_700_000_000.0
BUCKETS: list[tuple[float | None, int]] = [
    (0.001, 40), (0.005, 90), (0.025, 96), (0.1, 97), (1.0, 98), (None, 98),
]  # fmt: skip
SPREAD = Spread(p50_ms=2.0, p99_ms=80.0, seconds=3.0, buckets=BUCKETS)
BLOCKED = Blame(
    kind="dead-letter",
    offset=107,
    since_seconds=12.0,
    reason="its dead letter can't be written: no topic 'tickets.dlq'",
    remedy="ticketpool topics create tickets.dlq",
)
STALLED = Blame(
    kind="running",
    offset=4_711,
    since_seconds=95.0,
    reason="the handler has been running it for 95 s",
    remedy="ticketpool trace --partition 5",
)


def partition(number: int, **changes: Any) -> PartitionStatus:
    """``tickets[number]``, well and busy, but for ``changes``."""
    well = {
        "lag": 3, "worker": number % 4, "rate_per_s": 10.0 + number % 7, "time_lag_seconds": 0.2,
        "retried": 0, "dead_lettered": 0, "skipped": 0, "redelivered": 0, "queue_wait": SPREAD,
        "end_to_end": SPREAD, "handler_buckets": BUCKETS, "commit_lag": 4,
    }  # fmt: skip
    return statuses.partition(partition=number, **well | changes)


def blocked(number: int = 3, **changes: Any) -> PartitionStatus:
    """One that waits for its dead letter."""
    ill = {"state": "blocked", "state_seconds": 12.0, "blame": BLOCKED, "lag": 1_234}
    ill |= {"rate_per_s": 0.0, "waiting_letters": 1, "dead_lettered": 7, "time_lag_seconds": 14.0}
    return partition(number, **ill | changes)


def stalled(number: int = 5, **changes: Any) -> PartitionStatus:
    """One whose handler hangs."""
    ill = {"state": "stall", "state_seconds": 92.0, "blame": STALLED, "lag": 88_200}
    ill |= {"in_flight_offset": 4_711, "in_flight_age_seconds": 95.0, "rate_per_s": 0.0}
    return partition(number, **ill | changes)


def warned(number: int = 1, **changes: Any) -> PartitionStatus:
    """One that falls behind."""
    return partition(number, **{"state": "warn", "state_seconds": 31.0, "lag": 640} | changes)


def history(count: int = 60) -> list[Sample]:
    """A rate that swings, a lag that grows."""
    return [
        Sample(at=AT + 2 * n, rate_per_s=100.0 + 40 * (n % 5), lag=10 * n, p50_ms=2.0, p99_ms=80.0)
        for n in range(count)
    ]


def events() -> list[Event]:
    """Some, the newest at the end."""
    return [
        Event(at=AT, level="info", name="assigned", fields={"partitions": 8}),
        Event(at=AT + 5, level="warning", name="dead-lettered",
              fields={"topic": "tickets", "partition": 3, "offset": 104, "reason": "Reject: no"}),
        Event(at=AT + 9, level="error", name="dead letter not written",
              fields={"topic": "tickets", "partition": 3, "offset": 107, "error": "no topic"}),
        Event(at=AT + 10, level="warning", name="worker exited",
              fields={"worker": 2, "signal": "SIGKILL"}),
    ]  # fmt: skip


def pool(*partitions: PartitionStatus, **changes: Any) -> ServiceStatus:
    """A ready supervisor with four workers, but for ``changes``."""
    workers = [
        statuses.worker(slot=slot, pid=4711 + slot, restarts=0, rss_bytes=31_000_000 + slot,
                        cpu_seconds=slot * 1.5, uptime_seconds=600.0, partitions=2)
        for slot in range(4)
    ]  # fmt: skip
    whole = {
        "uptime_seconds": 3725.0, "workers": workers, "history": history(), "events": events(),
        "version": "0.1.0", "pid": 4700, "host": "shop-1", "poll_age_seconds": 0.1,
        "cluster": Cluster(rtt_ms=1.2, since_seconds=600.0),
        "dead_letter_topics": ["tickets.dlq"],
    }  # fmt: skip
    return statuses.service(*partitions, **whole | changes)


def well(count: int = 8, **changes: Any) -> ServiceStatus:
    """Nothing is wrong."""
    return pool(*map(partition, range(count)), **changes)


def ill(count: int = 8, **changes: Any) -> ServiceStatus:
    """One partition is blocked, one hangs, one falls behind."""
    odd = {3: blocked(), 5: stalled(), 1: warned()}
    return pool(*(odd.get(n) or partition(n) for n in range(count)), **changes)
