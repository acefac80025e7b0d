"""Letting workers go in peace: one that has grown old, at a record boundary and without a
rebalance; all of them, when the service ends."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from ticketpool import log
from ticketpool.config import RunConfig
from ticketpool.core.router import Router
from ticketpool.ipc.frames import Close, End, FromWorker
from ticketpool.pool import Pool, Slot, SlotState

_PAGE = 4096

_log = log.get("ticketpool.supervisor")


class Recycler:
    """*Supervisor side.* ``--max-records-per-worker`` and ``--max-rss``.

    A worker that is due finishes the records at hand, closes its lanes and ends;
    its successor opens them again. One worker at a time: the pool keeps its speed.

    Attributes:
        closes: the handler has something to close when its worker ends.
    """

    def __init__(self, config: RunConfig, pool: Pool[FromWorker], router: Router) -> None:
        self._max_records = config.max_records_per_worker
        self._max_bytes = config.max_rss_mib << 20
        self._pool = pool
        self._router = router
        self._records: Counter[int] = Counter()  # by pid
        self.closes = False

    def settled(self, slot: int, records: int) -> None:
        """The worker of a slot has finished so many more."""
        child = self._pool.slots[slot].child
        if child is not None and self._max_records:
            self._records[child.pid] += records

    def tend(self) -> None:
        """Retire the first worker that is due, unless one is on its way already."""
        ready = [slot for slot in self._pool.slots if slot.state is SlotState.READY]
        if len(ready) < len(self._pool.slots) or not (self._max_records or self._max_bytes):
            return
        for slot in ready:
            if why := self._due(slot):
                self.retire(slot, why)
                return

    def _due(self, slot: Slot[FromWorker]) -> str:
        pid = slot.living.pid
        if self._max_records and self._records[pid] >= self._max_records:
            return f"{self._records[pid]} records (--max-records-per-worker)"
        if self._max_bytes and (resident := _resident_bytes(pid)) > self._max_bytes:
            return f"{resident >> 20} MiB resident (--max-rss)"
        return ""

    def retire(self, slot: Slot[FromWorker], why: str) -> None:
        """Let the worker, which is ready, close its lanes and end."""
        _log.info("worker retires", worker=slot.index, pid=slot.living.pid, reason=why)
        self._records.pop(slot.living.pid, None)
        slot.state = SlotState.RETIRING
        for lane in self._router.of_slot(slot.index):
            if lane.opened:
                slot.living.channel.send(Close(lane.number))
        self.lane_closed(slot)

    def lane_closed(self, slot: Slot[FromWorker]) -> None:
        """A lane of the slot was closed: with the last one, a retiring worker ends."""
        if slot.state is not SlotState.RETIRING:
            return
        if not any(lane.opened for lane in self._router.of_slot(slot.index)):
            slot.living.channel.send(End())

    def dismiss(self, seconds: float) -> Callable[[], bool]:
        """All lanes are closed: let every worker close its handler, in so much time, and end.

        Returns:
            Whether all have. At once so when there is nothing to close: then ``Pool.close``
            may kill them.
        """
        ready = [slot for slot in self._pool.slots if slot.state is SlotState.READY]
        leaving = ready if self.closes else []
        for slot in leaving:
            slot.state = SlotState.RETIRING
            slot.living.channel.send(End(seconds))
        # Those too that were on their way out before.
        retiring = [slot for slot in self._pool.slots if slot.state is SlotState.RETIRING]
        return lambda: all(slot.child is None for slot in retiring)


def _resident_bytes(pid: int) -> int:
    """Resident memory of a process (proc_pid_statm(5)); 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0
