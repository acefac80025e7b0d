"""A worker makes room for a fresh one because a person says so."""

import time
from collections.abc import Callable, Generator

from ticketpool.control.requests import Answer
from ticketpool.errors import ControlError
from ticketpool.ipc.frames import FromWorker
from ticketpool.pool import Slot, SlotState
from ticketpool.supervisor.crew import Crew

START_SECONDS = 30.0
"""That the answer waits for the fresh one."""


class Replacer:
    """*Supervisor side.* As when a worker has grown old: it finishes the records at hand, closes
    its lanes and ends. One that does not come to that is killed, and what it ran is called again
    by its successor; nothing is held against these records.

    Args:
        clock: seconds that only rise.
    """

    def __init__(self, crew: Crew, clock: Callable[[], float] = time.monotonic) -> None:
        self._crew = crew
        self._clock = clock

    def replace(self, slot: Slot[FromWorker], seconds: float) -> Generator[None, None, Answer]:
        """Yields while it waits; ``seconds``: for the records at hand.

        Raises:
            ControlError: there is no process to replace, or it is leaving for good.
        """
        pid = self._retire(slot)
        yield from self._wait(lambda: _has(slot, pid), seconds)
        cut_off = self._kill(slot) if _has(slot, pid) else []
        yield from self._wait(lambda: _is_awaited(slot), START_SECONDS)
        if slot.leaving:
            return Answer([f"worker {slot.index} (pid {pid}) leaves the pool, which was scaled "
                           "down meanwhile: no other one follows it", *cut_off], 1)  # fmt: skip
        if slot.state is not SlotState.READY:
            return Answer([f"worker {slot.index} (pid {pid}) has ended, and the next one is not "
                           "warm yet; the log tells why", *cut_off], 1)  # fmt: skip
        told = f"worker {slot.index} restarted: pid {pid} is now {slot.living.pid}"
        return Answer([told, *cut_off])

    def _retire(self, slot: Slot[FromWorker]) -> int:
        if slot.leaving or slot.child is None or slot.state is SlotState.STARTING:
            what = "leaves the pool" if slot.leaving else "is being started"
            raise ControlError(f"worker {slot.index} {what}: there is nothing to restart")
        pid = slot.living.pid
        if slot.state is SlotState.READY:  # else it is on its way out already
            self._crew.recycler.retire(slot, "restart")
        return pid

    def _kill(self, slot: Slot[FromWorker]) -> list[str]:
        """What it was running, in words."""
        at_hand = [(lane, offset) for lane, offset, _ in self._crew.undertaker.running(slot)]
        self._crew.put_down(slot)
        return [
            f"{lane.partition} offset {at} was cut off: it is called again" for lane, at in at_hand
        ]

    def _wait(self, condition: Callable[[], bool], seconds: float) -> Generator[None, None, None]:
        """As long as the condition holds, at most so long."""
        until = self._clock() + seconds
        while condition() and self._clock() < until:
            yield


def _is_awaited(slot: Slot[FromWorker]) -> bool:
    return slot.state is not SlotState.READY and not slot.leaving


def _has(slot: Slot[FromWorker], pid: int) -> bool:
    return slot.child is not None and slot.child.pid == pid
