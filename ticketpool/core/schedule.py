"""Which ticket is due when, which key it has, and which process writes it.

Tickets are numbered n = 0, 1, 2, … over the whole run, whatever the number of
processes. Ticket n is due n / rate seconds after the start and has the key
number n mod keys, which belongs to the process (key number) mod workers. So a
key is always written by one process, in the order of n; and because due times
are computed from the start and not from the ticket before, the pace can't drift.
"""

from collections.abc import Iterator
from math import ceil, floor

import msgspec

UNBOUNDED = 2**63 - 1
"""As a number of tickets: no bound (fits a shared word)."""


def total_of(rate: float, count: int | None, duration_seconds: float | None) -> int | None:
    """How many tickets a run has; ``None`` when only a clock or a signal can tell.

    With a rate, a duration holds every ticket due before its end: 100 a second
    over 60 seconds are exactly 6,000. The smaller one of two bounds holds.
    """
    timed = None
    if duration_seconds is not None and rate:
        timed = ceil(round(rate * duration_seconds, 6))  # 0.1 * 3 is 0.30000000000000004
    bounds = [bound for bound in (count, timed) if bound is not None]
    return min(bounds, default=None)


class Schedule(msgspec.Struct, frozen=True):
    """The due times of a run. ``rate``: tickets a second; 0: all are due at once."""

    rate: float

    def due_seconds(self, n: int) -> float:
        """When ticket n is due, in seconds after the start."""
        return n / self.rate if self.rate else 0.0

    def released(self, elapsed_seconds: float) -> int:
        """How many tickets are due by then: exactly those n with ``due_seconds(n) <= elapsed``."""
        if elapsed_seconds < 0:
            return 0
        if not self.rate:
            return UNBOUNDED
        n = floor(elapsed_seconds * self.rate) + 1
        while self.due_seconds(n - 1) > elapsed_seconds:  # the product was rounded up
            n -= 1
        while self.due_seconds(n) <= elapsed_seconds:  # or down
            n += 1
        return n


class Share(msgspec.Struct, frozen=True):
    """The tickets of one process: those whose key number is ``slot`` modulo ``workers``.

    They count 0, 1, 2, … in the order in which they are written; that place in
    the share is called ``i`` here, and the number in the whole run ``n``.

    Attributes:
        keys: distinct keys of the run, at least ``workers``.
        workers: processes of the run.
        slot: of this process, 0 to workers - 1.
    """

    keys: int
    workers: int
    slot: int

    @property
    def own_keys(self) -> range:
        """The key numbers of this process, never empty."""
        return range(self.slot, self.keys, self.workers)

    def number(self, i: int) -> int:
        """The n of the i-th ticket of this share."""
        turn, index = divmod(i, len(self.own_keys))
        return turn * self.keys + self.own_keys[index]

    def rank(self, n: int) -> int:
        """How many tickets of this share have a number below n."""
        turn, key = divmod(n, self.keys)
        return turn * len(self.own_keys) + len(range(self.slot, key, self.workers))

    def reach(self, i: int) -> int:
        """The least N such that the first i tickets of this share are all below it."""
        return self.number(i - 1) + 1 if i else 0

    def spans(self, start: int, end: int) -> Iterator[tuple[range, int]]:
        """The numbers of tickets i = start … end - 1, as few ranges.

        Yields pairs of (numbers, index in ``own_keys`` of the first one's key);
        the keys of the numbers that follow are the following ones.
        """
        per_turn = len(self.own_keys)
        while start < end:
            turn, index = divmod(start, per_turn)
            size = min(per_turn - index, end - start)
            first = turn * self.keys + self.slot + index * self.workers
            yield range(first, first + size * self.workers, self.workers), index
            start += size
