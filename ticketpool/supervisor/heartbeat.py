"""The sign of life that workers want to see before they begin a record."""

from collections.abc import Callable
from typing import Any

from ticketpool.pool import Pool
from ticketpool.worker import words

SETTLED_NS = 500_000_000
"""After a gap, polls that begin later than that have heard of a loss: one record or another that
was fetched before may come first (seen with librdkafka 2.16 after SIGCONT)."""


class Heartbeat:
    """*Supervisor side.* Tells the workers that we are alive; without it they soon begin nothing.

    Not after a long gap (a stopped process, a suspended machine) until Kafka was asked
    again for half a second: it may tell that partitions are lost, and does not tell it first.

    Args:
        silence_seconds: so long a beat lasts with the workers.
        clock: CLOCK_MONOTONIC in seconds, as workers read it.

    Attributes:
        polled_at: when Kafka was last polled, by that clock.
    """

    def __init__(self, pool: Pool[Any], silence_seconds: float, clock: Callable[[], float]) -> None:
        self._pool = pool
        self._clock = clock
        self._silence_ns = int(silence_seconds * 1e9)
        self._beaten_ns: int | None = None
        self._polled_ns = self._woken_ns = 0
        self.polled_at: float | None = None

    def beat(self) -> None:
        """One more, unless beats were left out for too long."""
        now = self._now_ns()
        if self._beaten_ns is not None and now - self._beaten_ns < self._silence_ns:
            for slot in self._pool.slots:
                if slot.child is not None:
                    slot.child.words.cells[words.HEARTBEAT] = now
            self._beaten_ns = now

    def polled(self, began: float) -> None:
        """Kafka was polled just now: what beats were left out for is over, unless we were
        stopped since that poll began (seconds of the clock), or shortly before."""
        self.polled_at = self._clock()
        now, began_ns = self._now_ns(), int(began * 1e9)
        if now - began_ns >= self._silence_ns:
            self._woken_ns = now
        elif began_ns - self._polled_ns >= self._silence_ns:
            self._woken_ns = began_ns
        self._polled_ns = now
        if self._beaten_ns is None or began_ns - self._woken_ns >= SETTLED_NS:
            self._beaten_ns = now

    def _now_ns(self) -> int:
        return int(self._clock() * 1e9)
