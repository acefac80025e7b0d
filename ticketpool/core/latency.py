"""A histogram of durations with about 6 % resolution, in a few integers.

Buckets are log-linear: eight to each power of two of nanoseconds, so one fixed
set serves from a microsecond to hours and two histograms add up by addition.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate

_SUB_BITS = 3
_SUB = 1 << _SUB_BITS
BUCKETS = (44 - _SUB_BITS) * _SUB  # the last one holds all from 15 * 2**39 ns, 2.3 hours
"""Number of buckets; indexes are 0 to BUCKETS - 1."""


def bucket_of(nanoseconds: int) -> int:
    """The index of the bucket that a duration falls into (negative counts as 0)."""
    if nanoseconds < _SUB:
        return max(nanoseconds, 0)
    shift = nanoseconds.bit_length() - 1 - _SUB_BITS
    return min((shift << _SUB_BITS) + (nanoseconds >> shift), BUCKETS - 1)


def upper_ns(bucket: int) -> int:
    """The largest duration of a bucket, in nanoseconds; the last bucket also holds larger ones."""
    if bucket < 2 * _SUB:
        return bucket
    shift = (bucket >> _SUB_BITS) - 1
    return ((((bucket & (_SUB - 1)) + _SUB) + 1) << shift) - 1


def count_sorted(durations: list[int]) -> Iterator[tuple[int, int]]:
    """Pairs of (bucket, count) for durations in rising order.

    One bisect per bucket that occurs, instead of one call per duration.
    """
    start, size = 0, len(durations)
    while start < size:
        bucket = bucket_of(durations[start])
        end = size if bucket == BUCKETS - 1 else bisect_right(durations, upper_ns(bucket), start)
        yield bucket, end - start
        start = end


class Histogram:
    """Counts per bucket, their number and their sum in nanoseconds."""

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.count = 0
        self.sum_ns = 0

    def add(self, pairs: Iterable[tuple[int, int]], sum_ns: int = 0) -> None:
        """Add pairs of (bucket, count)."""
        counts = self.counts
        for bucket, count in pairs:
            counts[bucket] = counts.get(bucket, 0) + count
            self.count += count
        self.sum_ns += sum_ns

    def quantile_seconds(self, q: float) -> float | None:
        """The q-quantile (0 to 1) in seconds, exact to a bucket; ``None`` when empty."""
        if not self.count:
            return None
        buckets = sorted(self.counts)
        seen = list(accumulate(self.counts[bucket] for bucket in buckets))
        return upper_ns(buckets[bisect_left(seen, q * self.count)]) / 1e9
