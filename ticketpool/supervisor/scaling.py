"""More workers or fewer, while the others go on."""

import time

from ticketpool import log
from ticketpool.core.router import Router
from ticketpool.errors import TicketpoolError
from ticketpool.ipc.frames import FromWorker
from ticketpool.pool import Slot, SlotState
from ticketpool.supervisor.crew import Crew

_log = log.get("ticketpool.supervisor")


class Scaler:
    """*Supervisor side.* Adds slots behind the others, and removes the last ones.

    New workers get lanes when all of them are warm; until then nothing has changed for the
    lanes. If one can't start, all the new ones go again. Workers that leave finish the records
    at hand, their lanes go to those with the fewest, and their handlers are closed.

    Attributes:
        failure: why the last change did not come about; ``None``: it did, or is under way.
    """

    def __init__(self, router: Router, crew: Crew) -> None:
        self._pool = crew.pool
        self._router = router
        self._mover = crew.mover
        self._recycler = crew.recycler
        self._starts = crew.starts
        self._undertaker = crew.undertaker
        self.failure: TicketpoolError | None = None

    @property
    def workers(self) -> int:
        """How many there will be when the change that is under way is done."""
        return sum(not slot.leaving for slot in self._pool.slots)

    def resizing(self) -> bool:
        """Whether workers are on their way in or out."""
        return any(slot.joining or slot.leaving for slot in self._pool.slots)

    def changing(self) -> bool:
        """The same, or lanes on their way."""
        return self.resizing() or bool(self._mover.under_way)

    def begin(self, workers: int) -> None:
        """Have so many, at least one. Only while no worker is on its way in or out."""
        self.failure = self._starts.misfit = None
        for _ in range(workers - len(self._pool.slots)):
            self._pool.add()
        if workers < len(self._pool.slots):
            self._shrink_to(workers)

    def tend(self) -> None:
        """Go on with what is under way."""
        self._pool.shrink()
        joining = [slot for slot in self._pool.slots if slot.joining]
        if joining and self._starts.misfit is not None:
            self._give_up(joining, self._starts.misfit)
        elif joining and all(slot.state is SlotState.READY for slot in joining):
            for slot in joining:
                slot.joining = False
            self._router.slots.resize(len(self._pool.slots))
            self._even_out()

    def _give_up(self, joining: list[Slot[FromWorker]], why: TicketpoolError) -> None:
        self.failure, self._starts.misfit = why, None
        _log.error("workers not added", workers=self._router.slots.open, error=str(why))
        for slot in joining:
            self._dismiss(slot)

    def _shrink_to(self, workers: int) -> None:
        self._router.slots.resize(workers)
        self._even_out()
        for slot in self._pool.slots[workers:]:
            self._dismiss(slot)

    def _even_out(self) -> None:
        running = (found for slot in self._pool.slots for found in self._undertaker.running(slot))
        since = {lane.partition: since for lane, _, since in running}
        now = time.monotonic_ns()
        plan = self._router.slots.plan(lambda lane: now - since.get(lane.partition, now))
        for lane, slot in plan:
            self._mover.send(lane, slot)

    def _dismiss(self, slot: Slot[FromWorker]) -> None:
        """A worker that is not wanted any more: in peace, if it serves."""
        slot.joining, slot.leaving = False, True
        if slot.state is SlotState.READY:
            self._recycler.retire(slot, "scaled down")
        elif slot.state is SlotState.STARTING:
            slot.state = SlotState.RETIRING  # its end is our doing, and no start that failed
            slot.living.kill()
