"""What workers have finished is settled: as an ack tells it, or the shared words."""

from collections.abc import Callable, Sequence

from ticketpool import log, trace
from ticketpool.core.lane import Lane
from ticketpool.core.router import Router
from ticketpool.ipc.frames import Ack, Dead, FromWorker, Retrying
from ticketpool.pool import Pool
from ticketpool.supervisor.failures import Failures
from ticketpool.supervisor.naming import where
from ticketpool.supervisor.outputs import Outputs
from ticketpool.supervisor.recycle import Recycler
from ticketpool.supervisor.stopwatch import Stopwatch
from ticketpool.supervisor.totals import Totals
from ticketpool.worker import words

_log = log.get("ticketpool.supervisor")


class Settler:
    """*Supervisor side.* The one place where records are settled and counted."""

    def __init__(
        self,
        router: Router,
        failures: Failures,
        outputs: Outputs,
        totals: Totals,
        recycler: Recycler,
    ) -> None:
        self._router = router
        self._failures = failures
        self._outputs = outputs
        self._totals = totals
        self._recycler = recycler
        self._stopwatch = Stopwatch()

    def by_ack(self, lane: Lane, ack: Ack) -> None:
        """All up to ``ack.through`` is finished; what is dead of it or has sent is held first."""
        if ack.passed:
            self._failures.keys.passed(lane, ack.passed)
        if ack.dead or ack.sent:
            self._outputs.hold(lane, ack)
        settled = self._router.settle(lane, ack.through)
        trace.settled(lane, ack.through, "ack")
        self._count(lane, settled, ack.dead, ack.buckets, ack.busy_ns)

    def by_word(self, lane: Lane, through: int) -> None:
        """The same of what no ack has told; nothing when one has meanwhile.

        Not to be called when a frame of the worker could not be read: it may have told of dead
        records, and their dead letters would never be written.
        """
        if lane.ledger.is_open(through):
            settled = self._router.settle(lane, through)
            trace.settled(lane, through, "words")
            self._count(lane, settled, (), (), 0)

    def retrying(self, lane: Lane, frame: Retrying) -> None:
        """A call has failed and will be made again."""
        why = f"{frame.error}: {frame.message}"
        lane.in_trouble(frame.offset).failed(frame.attempt, why)
        self._totals.retried(lane)
        _log.warning(
            "retrying",
            **where(lane),
            offset=frame.offset,
            attempt=frame.attempt,
            again_in_seconds=round(frame.delay_seconds, 3),
            error=why,
        )

    def by_living_words(self, pool: Pool[FromWorker], collect: Callable[[], None]) -> None:
        """The same of all lanes that have something in flight.

        The words are read first and the pipes then (``collect``): what a lane had to say of the
        records up to its word (dead ones above all) has left before that word, and is taken in
        by now.
        """
        found = [
            (lane, lane.number, words.settled(slot.living.words.cells, lane.index, lane.number))
            for slot in pool.slots
            if slot.child is not None
            for lane in self._router.of_slot(slot.index)
            if lane.ledger.in_flight
        ]
        collect()
        for lane, number, through in found:
            if through is not None and lane is self._router.find(number):
                if not pool.slots[lane.slot].living.channel.broken:
                    self.by_word(lane, through)

    def _count(
        self,
        lane: Lane,
        settled: int,
        dead: Sequence[Dead],
        buckets: Sequence[tuple[int, int]],
        busy_ns: int,
    ) -> None:
        self._totals.finished(lane, settled - len(dead), buckets, busy_ns)
        self._stopwatch.settled(lane, settled, busy_ns)
        # What was parked was never called: that many of them is no bad day.
        self._failures.finished(settled, sum(one.attempts > 0 for one in dead))
        self._recycler.settled(lane.slot, settled)
