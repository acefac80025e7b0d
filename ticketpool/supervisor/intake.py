"""From Kafka into the lanes: poll, route, pause and resume."""

import time
from collections.abc import Callable, Sequence

from ticketpool import crash, log, trace
from ticketpool.core.flow import should_pause, should_resume
from ticketpool.core.grouping import group
from ticketpool.core.lane import Lane, LaneState
from ticketpool.core.model import Partition, RawRecord
from ticketpool.core.router import Router
from ticketpool.kafka.consumer import GroupConsumer
from ticketpool.supervisor.naming import where
from ticketpool.supervisor.totals import Totals

_LOOK_SECONDS = 0.02  # how often hungry lanes are held against the ends of their logs

_log = log.get("ticketpool.supervisor")


class Intake:
    """*Supervisor side.* Moves what has arrived into the ledgers, never more than they may hold.

    Args:
        topics: all that the consumer reads.
        clock: seconds that only rise.
    """

    def __init__(
        self,
        consumer: GroupConsumer,
        topics: Sequence[str],
        router: Router,
        totals: Totals,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._consumer = consumer
        self._only_topic = topics[0] if len(set(topics)) == 1 else None
        self._router = router
        self._totals = totals
        self._clock = clock
        self._look_due = self._read_at = 0.0

    def hungry(self) -> bool:
        """Whether some lane could use records that Kafka has, or waits for its word."""
        if self._router.awaits_word():
            return True
        lanes = self._router.hungry()
        if self._clock() >= self._look_due:
            self._look_due = self._clock() + _LOOK_SECONDS
            lanes = iter([lane for lane in lanes if not self._look_for_end(lane)])
        return any(not lane.at_end for lane in lanes)

    def _look_for_end(self, lane: Lane) -> bool:
        """Whether all that its log holds, as of the last fetch, has been read."""
        high, following = self._consumer.high_watermark(lane.partition), lane.ledger.next
        lane.at_end = high is not None and following is not None and following >= high
        return lane.at_end

    def poll(self, seconds: float, *, one: bool = False) -> int:
        """Take in what has arrived, waiting at most ``seconds`` for the first; how many records.

        Rebalances happen in here. Raises ``OutOfOrder`` with the evidence when
        an offset steps back within one assignment.
        """
        records = self._consumer.poll(seconds, one=one)
        if records:
            self._read_at = self._clock()
            crash.point("supervisor:after-consume")
            self._totals.read()
            for partition, run in group(records, self._only_topic):
                self._receive(partition, run)
        return len(records)

    def _receive(self, partition: Partition, records: Sequence[RawRecord]) -> None:
        lane = self._router.lanes.get(partition)
        if lane is None or lane.state is not LaneState.OPEN:
            return  # given up meanwhile; whoever owns it reads from what we committed
        offsets = list(map(type(records[0]).offset, records))
        expected = lane.ledger.next
        jumped = lane.ledger.receive(records, offsets, self._read_at)  # type: ignore[arg-type]
        trace.received(lane, expected, offsets)  # type: ignore[arg-type]
        if jumped:
            _log.debug("offsets jumped", **where(lane), jumped=jumped, next=lane.ledger.next)

    def tend(self) -> None:
        """Pause the partitions whose buffer is full, resume those that have drained."""
        limits = self._router.buffer_limits()
        lanes = self._router.lanes.values()
        fed = [lane for lane in lanes if lane.ledger.buffered and not lane.paused]
        full = [lane for lane in fed if should_pause(lane.ledger, limits)]
        drained = [lane for lane in lanes if lane.paused and should_resume(lane.ledger, limits)]
        if full:
            self._consumer.pause(_mark(full, paused=True))
        if drained:
            self._consumer.resume(_mark(drained, paused=False))


def _mark(lanes: list[Lane], *, paused: bool) -> list[Partition]:
    for lane in lanes:
        lane.paused = paused
    return [lane.partition for lane in lanes]
