"""*Supervisor side.* The run of generated tickets.

It writes no ticket itself. The pace is in the schedule, so there is nothing to
hand out: the coordinator only waits, and fixes the last ticket when the run
ends by a signal or by the clock.
"""

import time

from ticketpool.config import ProduceConfig
from ticketpool.core.schedule import UNBOUNDED, Schedule, total_of
from ticketpool.core.zipf import share_of
from ticketpool.log import get
from ticketpool.produce.crew import Crew
from ticketpool.produce.failed import FailedFile
from ticketpool.produce.summary import Summary
from ticketpool.produce.tally import HELD, HOLD, LIMIT, PRODUCED

log = get(__name__)


class Coordinator(Crew):
    """Has tickets written by the schedule; ``stop`` leaves no gap in their ids."""

    def __init__(self, config: ProduceConfig, failed: FailedFile, run: str | None = None) -> None:
        # A process without a key has no work.
        super().__init__(config, min(config.workers, config.keys), failed, run)
        schedule = Schedule(config.rate, config.ramp_seconds, config.jitter)
        self.total = total_of(schedule, config.count, config.duration_seconds)
        self._holding = False

    def step(self, seconds: float) -> bool:
        self._handle_events(seconds)
        self._begin_when_ready()
        self._stop_by_clock()
        self._fix_limit()
        return len(self._ended) < self.workers

    def stop(self) -> None:
        """Write no more tickets than some process has begun; all below are still delivered."""
        if self._stopped:
            return
        log.info("stopping", doing="delivering what has been begun")
        self._stopped = self._holding = True
        for child in self._children:
            child.words.cells[HOLD] = 1

    def summary(self) -> Summary:
        counts = self.counts()
        failed = counts.failed + counts.under_way
        ok = not failed and not self._crashed
        return self._summary(failed, counts.under_way, ok=ok, keys=self.config.keys)

    def _prepare(self, cells: memoryview) -> None:
        cells[LIMIT] = UNBOUNDED if self.total is None else self.total

    # ---- the last ticket

    def _stop_by_clock(self) -> None:
        duration = self.config.duration_seconds
        if duration is None or self.config.rate or not self._zero_ns:
            return
        if time.monotonic_ns() >= self._zero_ns + duration * 1e9:
            self.stop()

    def _fix_limit(self) -> None:
        """Once all stand still, let them go on to the furthest ticket that one has begun."""
        living = [s for s in range(len(self._children)) if s not in self._ended]
        cells = [self._children[slot].words.cells for slot in living]
        if not self._holding or not all(each[HELD] for each in cells):
            return
        self.total = max((self._reach(slot) for slot in range(self.workers)), default=0)
        self._holding = False
        for each in cells:
            each[LIMIT] = self.total
            each[HOLD] = 0

    def _reach(self, slot: int) -> int:
        share = share_of(self.config.key_distribution, self.config.keys, self.workers, slot)
        return share.reach(self._children[slot].words.cells[PRODUCED])
