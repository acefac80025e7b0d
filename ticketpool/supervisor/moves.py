"""Lanes change their worker: at a record boundary, without a rebalance and without repetition."""

from collections.abc import Callable

from ticketpool import log
from ticketpool.core.lane import Lane
from ticketpool.core.router import Router
from ticketpool.ipc.frames import Close, FromWorker
from ticketpool.pool import Pool

_log = log.get("ticketpool.supervisor")


class Mover:
    """*Supervisor side.* Sends lanes from worker to worker.

    As when a worker is recycled: it finishes the record at hand and closes the lane, what it
    had not begun comes back, and the other one opens the lane with what is next.

    Args:
        open_lane: tells the worker that a lane belongs to of it, when that is warm.
    """

    def __init__(
        self, pool: Pool[FromWorker], router: Router, open_lane: Callable[[Lane], None]
    ) -> None:
        self._pool = pool
        self._router = router
        self._open = open_lane

    def send(self, lane: Lane, slot: int) -> None:
        """The lane is to go to ``slot``; nothing more of it is run where it is."""
        self._router.slots.send(lane, slot)
        if lane.opened:  # asked twice, its worker closes it once
            self._pool.slots[lane.slot].living.channel.send(Close(lane.number))
        else:
            self.land(lane)

    def call_back(self, lane: Lane) -> None:
        """What its worker has in hand of it, but for the record that runs, comes back."""
        if lane.ledger.in_flight and lane.moving is None:
            self.send(lane, lane.slot)

    def land(self, lane: Lane) -> None:
        """Its worker knows the lane no more: it arrives, if it was to go anywhere."""
        if lane.moving is None:
            return
        before = lane.slot
        self._router.slots.land(lane)
        if lane.slot != before:
            _log.info(
                "moved",
                topic=lane.partition.topic,
                partition=lane.partition.number,
                worker=lane.slot,
                from_worker=before,
            )
        self._open(lane)

    @property
    def under_way(self) -> list[Lane]:
        """Lanes that are to get another worker and have not arrived yet."""
        return [lane for lane in self._router.lanes.values() if lane.destination != lane.slot]
