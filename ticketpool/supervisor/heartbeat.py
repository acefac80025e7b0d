"""The sign of life that workers want to see before they begin a record."""

from collections.abc import Callable
from typing import Any

from ticketpool.pool import Pool
from ticketpool.worker import words


class Heartbeat:
    """*Supervisor side.* Tells the workers that we are alive; without it they soon begin nothing.

    Not after a long gap (a stopped process, a suspended machine) until Kafka was asked
    again: it may tell that partitions are lost.

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
        self._beaten_ns = 0
        self.polled_at: float | None = None

    def beat(self) -> None:
        """One more, unless beats were left out for too long."""
        now = self._now_ns()
        if now - self._beaten_ns < self._silence_ns:
            for slot in self._pool.slots:
                if slot.child is not None:
                    slot.child.words.cells[words.HEARTBEAT] = now
            self._beaten_ns = now

    def polled(self, began: float) -> None:
        """Kafka was polled just now: what beats were left out for is over, unless we were
        stopped since that poll began (seconds of the clock)."""
        self.polled_at = self._clock()
        if self._now_ns() - int(began * 1e9) < self._silence_ns:
            self._beaten_ns = self._now_ns()

    def _now_ns(self) -> int:
        return int(self._clock() * 1e9)
