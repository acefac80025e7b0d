"""How long things take: a histogram over a process's life whose quantiles are of the last minute.

Pure: the time comes in as an argument, in seconds of a clock that only rises.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from ticketpool.core.latency import BUCKETS, Histogram, upper_ns
from ticketpool.core.status import Spread

WINDOW_SECONDS = 60.0
STEP_SECONDS = 20.0
"""The window moves in steps of this: quantiles are of the last 60 to 80 seconds."""


class Scale(NamedTuple):
    """What a histogram's buckets mean.

    Attributes:
        upper: largest duration of each bucket of ``core.latency``, in seconds.
        told: pairs of (bound in seconds, number of buckets that lie wholly below it).
    """

    upper: list[float]
    told: list[tuple[float, int]]


def scale(unit_seconds: float, bounds: Sequence[float]) -> Scale:
    """Buckets that count in a unit, told by ``bounds`` in rising seconds."""
    upper = [upper_ns(bucket) * unit_seconds for bucket in range(BUCKETS)]
    return Scale(upper, [(bound, bisect_right(upper, bound)) for bound in bounds])


HANDLER = scale(1e-9, (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
))  # fmt: skip
"""From nanoseconds to 2.3 hours: calls of a handler."""
WAITING = scale(1e-6, (0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0, 1800.0))
"""From microseconds to 98 days: records of a backlog."""


class _Mark(NamedTuple):
    at: float
    total: int
    counts: dict[int, int]


_NOTHING = _Mark(0.0, 0, {})


class Timing(Histogram):
    """Counts since the start of the process, and what they were a minute ago."""

    def __init__(self, scale: Scale = HANDLER) -> None:
        super().__init__()
        self._scale = scale
        self._marks: deque[_Mark] = deque()
        self._told = Spread()
        self._noted = self._told_at = 0.0
        self._told_count = 0

    def note(self, seconds: float, count: int) -> None:
        """So many took so long: one sample that stands for ``count`` records."""
        upper = self._scale.upper
        bucket = bisect_left(upper, seconds)
        if bucket == BUCKETS:  # a clock that is wrong by years must not spoil the sum
            bucket, seconds = BUCKETS - 1, upper[-1]
        elif seconds < 0:
            seconds = 0.0
        counts = self.counts
        counts[bucket] = counts.get(bucket, 0) + count
        self.count += count
        self._noted += seconds * count

    def spread(self, now: float, max_age: float = 0.0) -> Spread:
        """The figures as of ``now``, or those told up to ``max_age`` seconds before."""
        moved = self._step(now)
        changed = self.count != self._told_count
        if moved or (changed and not (self._told_count and now - self._told_at < max_age)):
            self._told = self._made(now)
            self._told_at, self._told_count = now, self.count
        return self._told

    def _step(self, now: float) -> bool:
        """Remember the counts once per step; what is older than the window is forgotten."""
        marks = self._marks
        if marks and now - marks[-1].at < STEP_SECONDS:
            return False
        last = marks[-1] if marks else _NOTHING
        counts = last.counts if last.total == self.count else dict(self.counts)
        marks.append(_Mark(now, self.count, counts))
        while len(marks) > 1 and marks[1].at <= now - WINDOW_SECONDS:
            marks.popleft()
        return True

    def _made(self, now: float) -> Spread:
        buckets = sorted(self.counts)
        seen = [0, *accumulate(map(self.counts.__getitem__, buckets))]
        before = self._marks[0] if self._marks[0].at <= now - WINDOW_SECONDS else _NOTHING
        recent = [self.counts[b] - before.counts.get(b, 0) for b in buckets]
        p50, p99 = self._quantiles(buckets, list(accumulate(recent)), self.count - before.total)
        told: list[tuple[float | None, int]] = [
            (bound, seen[bisect_left(buckets, below)]) for bound, below in self._scale.told
        ]
        told.append((None, self.count))
        return Spread(
            p50_ms=p50, p99_ms=p99, seconds=round(self.sum_ns / 1e9 + self._noted, 6), buckets=told
        )

    def _quantiles(
        self, buckets: list[int], seen: list[int], count: int
    ) -> tuple[float | None, float | None]:
        """p50 and p99 in milliseconds, exact to a bucket; ``None`` of nothing."""
        if not count:
            return None, None
        upper = self._scale.upper
        median = upper[buckets[bisect_left(seen, 0.5 * count)]]
        high = upper[buckets[bisect_left(seen, 0.99 * count)]]
        return round(median * 1e3, 3), round(high * 1e3, 3)
