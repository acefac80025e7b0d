"""Which ticket is due when, which key it has, and which process writes it.

Tickets are numbered n = 0, 1, 2, … over the whole run, whatever the number of
processes. Ticket n is due n / rate seconds after the start (``--ramp`` and
``--jitter`` bend that, see ``Schedule``) and has the key number n mod keys
(``ticketpool.core.zipf``: another one), which belongs to the process (key number)
mod workers. So a key is always written by one process, in the order of n; and
because due times are computed from the start and not from the ticket before,
the pace can't drift.
"""

from collections.abc import Iterator
from math import ceil, floor, sqrt

import msgspec

from ticketpool.core.mix import fraction

UNBOUNDED = 2**63 - 1
"""As a number of tickets: no bound (fits a shared word)."""


def total_of(schedule: "Schedule", count: int | None, duration_seconds: float | None) -> int | None:
    """How many tickets a run has; ``None`` when only a clock or a signal can tell.

    With a rate, a duration holds every ticket due before its end: 100 a second
    over 60 seconds are exactly 6,000. The smaller one of two bounds holds.
    """
    timed = None
    if duration_seconds is not None and schedule.rate:
        timed = ceil(round(schedule.begun(duration_seconds), 6))  # 0.1 * 3 is 0.30000000000000004
    bounds = [bound for bound in (count, timed) if bound is not None]
    return min(bounds, default=None)


class Schedule(msgspec.Struct, frozen=True):
    """The due times of a run.

    Attributes:
        rate: tickets a second; 0: all are due at once.
        ramp_seconds: how long the pace rises in a straight line from nothing to ``rate``.
        jitter: by which part of the time to the next ticket, 0 to 1, a ticket is late
            at most. Each has its own lateness, computed from n: the order and the
            pace over any longer time stay as they are.
    """

    rate: float
    ramp_seconds: float = 0.0
    jitter: float = 0.0

    def begun(self, elapsed_seconds: float) -> float:
        """How many tickets the line of the pace has passed by then, as a fraction."""
        ramp = self.ramp_seconds
        if elapsed_seconds < ramp:
            return self.rate * elapsed_seconds * elapsed_seconds / (2 * ramp)
        return self.rate * (elapsed_seconds - ramp / 2)

    def due_seconds(self, n: int) -> float:
        """When ticket n is due, in seconds after the start."""
        if not self.rate:
            return 0.0
        due = self._on_the_line(n)
        if self.jitter:
            due += self.jitter * fraction(n) * (self._on_the_line(n + 1) - due)
        return due

    def _on_the_line(self, n: int) -> float:
        if n < self.rate * self.ramp_seconds / 2:
            return sqrt(2 * self.ramp_seconds * n / self.rate)
        return n / self.rate + self.ramp_seconds / 2

    def released(self, elapsed_seconds: float) -> int:
        """How many tickets are due by then: exactly those n with ``due_seconds(n) <= elapsed``."""
        if elapsed_seconds < 0:
            return 0
        if not self.rate:
            return UNBOUNDED
        n = floor(self.begun(elapsed_seconds)) + 1
        while n and self.due_seconds(n - 1) > elapsed_seconds:  # rounded up, or late by jitter
            n -= 1
        while self.due_seconds(n) <= elapsed_seconds:  # rounded down
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
