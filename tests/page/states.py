"""A service in an interesting state, for what shows it."""

import time

from tests.statuses import partition, service, worker
from ticketpool.core.letter import Letter
from ticketpool.core.status import Blame, Event, Sample, ServiceStatus

STALL = Blame(
    kind="running",
    offset=81_234,
    since_seconds=130.0,
    reason="The handler has been running this record for 2 min.",
    remedy="ticketpool trace --partition 3",
)
PAUSED = Blame(
    kind="paused", offset=None, since_seconds=60.0, reason="Paused by a person.",
    remedy="ticketpool resume --partition 1",
)  # fmt: skip
HOSTILE = "<img src=x onerror=\"document.title='taken'\">"


def troubled() -> ServiceStatus:
    """One partition stalls, one is paused, one has dead letters; a worker has died."""
    return service(
        partition(partition=0, dead_lettered=7),
        partition(partition=1, held=True, blame=PAUSED, in_flight_offset=None),
        partition(partition=2, worker=None, pid=None),
        partition(
            partition=3, state="stall", state_seconds=130.0, lag=41_234, blame=STALL,
            in_flight_offset=81_234, in_flight_age_seconds=130.0, time_lag_seconds=131.0,
        ),
        workers=[worker(), worker(slot=1, pid=None, state="dead", last_end="SIGKILL")],
        events=[crash(), event("assigned", "info", topic="tickets", partition=3)],
        history=history(),
        problems=["tickets[3] has made no progress for 130 s."],
    )  # fmt: skip


def event(name: str, level: str, **fields: str | int) -> Event:
    return Event(at=time.time(), level=level, name=name, fields=dict(fields))


def crash() -> Event:
    """Worker 1 was killed."""
    return event("worker exited", "error", worker=1, reason="SIGKILL (?)")


def history(count: int = 60) -> list[Sample]:
    now = time.time()
    return [
        Sample(
            at=now - 2 * (count - n), rate_per_s=1000.0 + n, lag=None if n < 5 else 40 * n,
            p50_ms=0.2, p99_ms=None if n % 9 == 0 else 1.0 + n % 7,
        )
        for n in range(count)
    ]  # fmt: skip


def letter(offset: int, value: bytes | None = b'{"order_id":13}', **changes: object) -> Letter:
    """A letter of ``tickets[3]``."""
    given = {
        "topic": "tickets.dlq", "partition": 0, "offset": offset,
        "written_ms": 1_700_000_000_000 + offset, "key": b"key-7", "value": value,
        "headers": (("trace", b"00-ab"),), "origin_topic": "tickets", "origin_partition": 3,
        "origin_offset": 1000 + offset, "error": "Reject", "message": "not served here",
        "attempts": 1,
    }  # fmt: skip
    return Letter(**{**given, **changes})  # type: ignore[arg-type]
