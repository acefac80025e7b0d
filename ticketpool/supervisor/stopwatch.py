"""How long records waited, and how old they were at the end: one sample for each ack."""

import time
from collections.abc import Callable

from ticketpool.core.lane import Lane

MOST_SAMPLES = 2000
EVERY_SECONDS = 0.2
"""So many samples in such a time: with small frames there may be 100,000 acks a second, and a
sample takes some 1.5 µs."""


class Stopwatch:
    """*Supervisor side.* Notes ``queue_wait`` and ``end_to_end`` of what was settled just now.

    Nothing is measured per record: the record in the middle of those that an ack tells stands
    for all of them, since they were read together and follow each other. So a quantile may be
    off by half of what lies between the first and the last of one ack: 1,000 records, or what
    a lane does in 50 ms, or one batch. Above ``MOST_SAMPLES`` an ack counts with the next one of
    its partition that is measured. The start of the handler is reckoned back from the ack by the
    time that the handler took, and comes too late by the ack's way through the pipe; of quick
    records that are settled by the shared words, before one that takes long, by up to
    ``--commit-interval``.

    Args:
        clock: that of the time at which records were read.
        wall: seconds since 1970.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._left = 0
        self._more_at = 0.0

    def settled(self, lane: Lane, records: int, busy_ns: int) -> None:
        """So many records of the lane are settled, for which its handler took ``busy_ns``.

        A record without a timestamp is left out of ``end_to_end``.
        """
        now, counts = self._clock(), lane.counts
        if now >= self._more_at:
            self._left, self._more_at = MOST_SAMPLES, now + EVERY_SECONDS
        if not self._left:
            counts.unmeasured += records
            return
        sample = lane.ledger.sample
        if not records or sample is None:
            return
        self._left -= 1
        began = now - busy_ns / (1e9 if records == 1 else 2e9)  # that in the middle
        if counts.unmeasured:
            records += counts.unmeasured
            counts.unmeasured = 0
        counts.queue_wait.note(began - sample[0], records)
        kind, millis = sample[1].timestamp()
        if kind:
            counts.end_to_end.note(self._wall() - millis / 1e3, records)
