"""*Worker side.* Writes one process's share of generated tickets, each when it is due."""

import math
import time

from ticketpool.core.schedule import Schedule
from ticketpool.core.zipf import share_of
from ticketpool.produce.frames import Hello
from ticketpool.produce.outlet import Outlet
from ticketpool.produce.tally import HELD, HOLD, LIMIT, PRODUCED
from ticketpool.produce.tickets import Maker

BATCH = 256  # tickets handed over at once: more brings no speed, and delays reports
_WAIT_SECONDS = 0.05  # how soon a new limit or a hold is seen while nothing is due
_BATCH_BYTES = 1 << 20
_HELD_SECONDS = 0.002


class Writer:
    """Writes the share's tickets when they are due, and counts what becomes of them.

    Args:
        cells: the shared words, laid out as in ``ticketpool.produce.tally``.
    """

    def __init__(self, hello: Hello, outlet: Outlet, cells: memoryview) -> None:
        config = hello.config
        self._schedule = Schedule(config.rate, config.ramp_seconds, config.jitter)
        self._share = share_of(config.key_distribution, config.keys, hello.workers, hello.slot)
        self._maker = Maker(hello.run, config.size, self._share)
        self._batch = max(1, min(BATCH, _BATCH_BYTES // self._maker.record_bytes))
        self._outlet = outlet
        self._cells = cells
        self._written = 0

    def run(self, zero: float) -> None:
        """Write until the limit, then wait until every ticket is delivered or failed.

        ``zero``: ``time.monotonic()`` of the start. Ends at the latest one
        delivery timeout after the last ticket.

        Raises:
            TicketpoolError: the producer has failed for good.
        """
        while self._step(zero):
            pass
        while self._outlet.busy:
            self._cells[HELD] = self._cells[HOLD]  # no last ticket can be below ours
            self._outlet.poll(_WAIT_SECONDS)
        self._outlet.tell_failures()

    def _step(self, zero: float) -> bool:
        """Write what is due and fits, or wait for it; ``False`` at the limit."""
        if self._cells[HOLD]:
            self._hold()
        limit = self._cells[LIMIT]
        due = self._share.rank(min(limit, self._schedule.released(time.monotonic() - zero)))
        room = self._outlet.room(self._maker.record_bytes)
        end = min(due, self._written + min(room, self._batch))
        if end > self._written:
            self._write(end)
        elif self._written >= self._share.rank(limit):
            return False
        else:
            self._outlet.poll(self._idle_seconds(zero, full=due > self._written))
        return True

    def _hold(self) -> None:
        """Stand still, deliveries go on, until the coordinator has fixed the last ticket."""
        self._cells[HELD] = 1
        while self._cells[HOLD]:
            self._outlet.poll(_HELD_SECONDS)
        self._cells[HELD] = 0

    def _write(self, end: int) -> None:
        records = self._maker.batch(self._written, end)
        self._written = self._cells[PRODUCED] = end  # first: a kill must not hide a ticket
        self._outlet.write(records)

    def _idle_seconds(self, zero: float, *, full: bool) -> float:
        if full:
            return _WAIT_SECONDS
        due = self._schedule.due_seconds(self._share.number(self._written))
        wait = math.ceil((zero + due - time.monotonic()) * 1000) / 1000  # poll(3) counts in ms
        return min(max(wait, 0.001), _WAIT_SECONDS)
