"""The shared words of a producer process: how far it is, and how far it may go.

They outlive the process, so a killed one leaves true figures behind.
"""

from collections.abc import Iterable, Sequence
from time import monotonic_ns
from typing import NamedTuple

from ticketpool.core.latency import BUCKETS, Histogram, count_sorted

# Written by the coordinator.
LIMIT = 0
"""Tickets with this number or above are not written (``UNBOUNDED``: no bound)."""
HOLD = 1
"""1: stop at the next batch, until 0 again. So a final limit can be fixed for all."""
GIVE_UP = 2
"""1: whatever is not delivered yet is not to be waited for, but given back."""

# Written by the worker.
HELD = 3
"""1: it has stopped for ``HOLD``."""
PRODUCED = 4
"""Tickets of its share that were handed to the producer, or are about to be."""
DELIVERED = 5
"""Tickets acknowledged by the broker."""
FAILED = 6
"""Tickets that will never be delivered."""
MAX_NS = 7
"""Longest time from produce to acknowledgement, in nanoseconds."""
LAST_NS = 8
"""``time.monotonic_ns()`` when the last report came."""
LATENCY = 9
"""First of ``core.latency.BUCKETS`` counts of the time from produce to acknowledgement."""

WORDS = LATENCY + BUCKETS


class Counts(NamedTuple):
    """Tickets by what became of them; what is neither delivered nor failed is under way."""

    produced: int
    delivered: int
    failed: int

    @property
    def under_way(self) -> int:
        """Handed to the producer, and nothing heard of yet."""
        return self.produced - self.delivered - self.failed


def record(cells: memoryview, latencies: Sequence[float], failed: int) -> None:
    """*Worker side.* Add delivered tickets (their latencies in seconds) and failed ones."""
    if latencies:
        durations = sorted([int(seconds * 1e9) for seconds in latencies])
        for bucket, count in count_sorted(durations):
            cells[LATENCY + bucket] += count
        cells[MAX_NS] = max(cells[MAX_NS], durations[-1])
        cells[DELIVERED] += len(durations)
    cells[FAILED] += failed
    cells[LAST_NS] = monotonic_ns()


def counts_of(cells: memoryview) -> Counts:
    """*Coordinator side.* What a worker has counted so far.

    Read in the order that never shows more delivered than produced.
    """
    delivered, failed = cells[DELIVERED], cells[FAILED]
    return Counts(cells[PRODUCED], delivered, failed)


def latency_of(all_cells: Iterable[memoryview]) -> tuple[Histogram, float | None]:
    """*Coordinator side.* The latencies of all workers together, and the longest in seconds.

    The longest is exact; the histogram's quantiles are exact to a bucket.
    """
    histogram, longest = Histogram(), 0
    for cells in all_cells:
        counts = cells[LATENCY:].tolist()
        histogram.add((bucket, count) for bucket, count in enumerate(counts) if count)
        longest = max(longest, cells[MAX_NS])
    return histogram, longest / 1e9 if histogram.count else None
