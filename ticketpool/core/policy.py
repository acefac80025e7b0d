"""Decisions by rule: how long to back off, when too many records fail."""

from collections import deque

import msgspec


class Backoff(msgspec.Struct, frozen=True):
    """Exponential back-off with jitter.

    Attributes:
        base_seconds: before the second attempt; doubled for each further one.
        max_seconds: never longer than this.
    """

    base_seconds: float
    max_seconds: float

    def delay(self, failures: int, jitter: float) -> float:
        """Seconds to wait after so many failures (1 and up).

        ``jitter`` in [0, 1) takes up to half of the delay away, so that lanes
        that failed together do not come back together.
        """
        doublings = min(failures - 1, 63)  # 2.0**64 seconds is for ever; larger overflows
        full = min(self.base_seconds * 2.0**doublings, self.max_seconds)
        return full * (1 - jitter / 2)


class Breaker:
    """Tells a bad record from a bad day: are too many of the last records dead letters?

    A topic must not be drained into its dead-letter topic because a database is down.

    Args:
        limit: share of dead records, 0 to 1, above which it trips; 1: never.
        window: how many of the last records count (a little more, in whole acks).
        minimum: dead records that it takes at least.
    """

    def __init__(self, limit: float, window: int = 200, minimum: int = 20) -> None:
        self._limit = limit
        self._window = window
        self._minimum = minimum
        self._acks: deque[tuple[int, int]] = deque()
        self.finished = self.dead = 0

    def note(self, finished: int, dead: int) -> None:
        """So many records were finished, so many of them dead."""
        self._acks.append((finished, dead))
        self.finished += finished
        self.dead += dead
        while self._acks and self.finished - self._acks[0][0] >= self._window:
            oldest = self._acks.popleft()
            self.finished -= oldest[0]
            self.dead -= oldest[1]

    @property
    def tripped(self) -> bool:
        """Whether too many are dead."""
        return self.dead >= self._minimum and self.dead > self._limit * self.finished
