"""Which worker serves which partition, and what each may be sent next. Pure.

The router returns facts and the supervisor acts on them: it never sends,
kills or commits itself.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from ticketpool.core.flow import RECORD_BYTES, Limits, is_hungry, may_send
from ticketpool.core.lane import Lane, LaneState
from ticketpool.core.ledger import Chunk, Ledger
from ticketpool.core.model import Partition
from ticketpool.core.slots import Slots
from ticketpool.core.trouble import Position

Running = tuple[int, int]
"""(index of a lane in the words, offset) that a worker was running when it died."""


class Router:
    """*Supervisor side.* Lanes by partition, by number and by slot.

    Args:
        slots: number of workers.
        limits: of one lane.
        total_buffer_bytes: of memory that all buffers may take before each is held to its share.
        max_crashes: deaths after which a record that died alone is given up.
        atomic: see ``Ledger``.

    Attributes:
        slots: which lanes belong to which worker.
    """

    def __init__(
        self,
        slots: int,
        limits: Limits,
        *,
        max_crashes: int,
        total_buffer_bytes: int = 96 << 20,
        atomic: bool = False,
    ) -> None:
        self.lanes: dict[Partition, Lane] = {}
        self._wary: dict[Partition, Lane] = {}  # those that may have to wait for a commit
        self.limits = self._fair_limits = limits
        self._total_buffer_bytes = total_buffer_bytes
        self._max_crashes, self._atomic = max_crashes, atomic
        self._by_number: dict[int, Lane] = {}
        self.slots = Slots(slots)
        self._epochs = count(1)
        self._numbers = count(1)

    # -- assignment ---------------------------------------------------------------

    def assign(self, partition: Partition, start: int | None) -> Lane:
        """A lane on the slot that has the fewest (the lowest of equals)."""
        lane = Lane(partition, Ledger(partition, start, atomic=self._atomic), 0, 0)
        lane.epoch = next(self._epochs)
        self.lanes[partition] = lane
        self._wary[partition] = lane
        self.slots.add(lane)
        self._share_buffers()
        return lane

    def forget(self, lane: Lane) -> None:
        """The partition is given up: acks that still come for it will not be found."""
        lane.state = LaneState.CLOSED
        self._by_number.pop(lane.number, None)
        self.slots.remove(lane)
        self._wary.pop(lane.partition, None)
        del self.lanes[lane.partition]
        self._share_buffers()

    def _share_buffers(self) -> None:
        self._fair_limits = self.limits.shared_by(len(self.lanes), self._total_buffer_bytes)

    def buffer_limits(self) -> Limits:
        """What pauses a lane now: its own limits, or its fair share when all together hold much.

        Not the share alone: with hundreds of partitions that is less than one fetch brings.
        """
        ledgers = [lane.ledger for lane in self.lanes.values() if lane.ledger.buffered]
        held = sum(one.buffered_bytes + RECORD_BYTES * one.buffered for one in ledgers)
        return self.limits if held < self._total_buffer_bytes else self._fair_limits

    def of_slot(self, slot: int) -> Sequence[Lane]:
        """The lanes that belong to a worker."""
        return self.slots.of(slot)

    def find(self, number: int) -> Lane | None:
        """The lane of that number, unless it has been fenced."""
        return self._by_number.get(number)

    def park(self, lane: Lane) -> None:
        """The worker has closed the lane, and another process will open it: what was not
        begun goes back into the buffer."""
        self._by_number.pop(lane.number, None)
        lane.opened = False
        lane.ledger.rewind()

    # -- sending --------------------------------------------------------------------

    def open(self, lane: Lane) -> None:
        """Give the lane the number by which its present worker process knows it."""
        lane.number = next(self._numbers)
        lane.opened = True
        self._by_number[lane.number] = lane

    def sendable(self, slot: int) -> Iterator[tuple[Lane, Chunk]]:
        """What the worker of a slot may be sent now; each pair is moved in flight when yielded.

        While a record of the slot is under suspicion, it is run alone: one
        record of one lane at a time, so that no neighbour is charged for it.
        """
        lanes = self.slots.of(slot)
        turn = self._turn()
        if not self._acquittals_known():
            return
        if turn is not None and turn.charged + 1 >= self._max_crashes:
            yield from self._last_chance(turn, slot)
            return
        troubled = [lane for lane in lanes if lane.caution or lane.trouble is not None]
        waiting = (lane for lane in troubled if lane.suspect and lane.has_work)
        if suspect := next((lane for lane in waiting if lane.has_turn or not lane.caution), None):
            if suspect.caution or self._is_by_itself(suspect):
                yield from self._alone(suspect)
            return
        for lane in lanes:
            if not lane.ledger.buffered:  # asked first: most have none, and may be hundreds
                continue
            if lane.may_run and not lane.suspect:
                yield from self._batches(lane)

    def _is_by_itself(self, lane: Lane) -> bool:
        """Whether its worker has nothing else in hand: it may have moved in among others."""
        others = (other for other in self.slots.of(lane.slot) if other is not lane)
        return not any(other.ledger.in_flight for other in others)

    def _turn(self) -> Lane | None:
        """Of the cautious lanes one may run, the most charged first; it keeps its turn until
        its caution ends or it has no records for now."""
        cautious = [lane for lane in self._wary.values() if lane.caution]
        for lane in cautious:
            lane.has_turn = lane.has_turn and lane.has_work
        ready = [lane for lane in cautious if lane.state is LaneState.OPEN and lane.has_work]
        turn = next((lane for lane in ready if lane.has_turn), None)
        if turn is None and ready:
            turn = max(ready, key=lambda lane: lane.charged)
            turn.has_turn = True
        return turn

    def _acquittals_known(self) -> bool:
        """Whether no memo at the broker blames a record that has run alone and is settled; the
        next death, of another record, would make it a dead letter."""
        waiting = [lane for lane in self._wary.values() if lane.acquitted]
        for lane in waiting:
            lane.acquitted = not lane.announced
            self._calm(lane)
        return not any(lane.acquitted for lane in waiting)

    def _last_chance(self, lane: Lane, slot: int) -> Iterator[tuple[Lane, Chunk]]:
        """One more death and the record is given up: nothing of the whole pool may run beside
        it then, or it might pay for another's."""
        lane.alone = not any(
            other.ledger.in_flight for other in self.lanes.values() if other is not lane
        )
        if lane.alone and lane.slot == slot:
            yield from self._alone(lane)

    def _batches(self, lane: Lane) -> Iterator[tuple[Lane, Chunk]]:
        limits = self.limits
        if lane.watched:
            if lane.announced and not lane.ledger.in_flight:
                yield from self._take(lane, limits.first_records)
            return
        while may_send(lane.ledger, limits):
            yield from self._take(lane, limits.batch_records)

    def _take(self, lane: Lane, records: int) -> Iterator[tuple[Lane, Chunk]]:
        if chunk := lane.ledger.take(records, self.limits.batch_bytes):
            yield lane, chunk

    def _alone(self, lane: Lane) -> Iterator[tuple[Lane, Chunk]]:
        if lane.caution and not lane.announced:
            return
        if lane.may_run and not lane.ledger.in_flight:
            yield from self._take(lane, 1)

    def starved(self) -> bool:
        """Whether some lane has records that wait only for credit or for its worker."""
        return any(lane.ledger.buffered and not lane.held for lane in self.lanes.values())

    def in_flight(self) -> bool:
        """Whether some worker has records that it has not acknowledged."""
        return any(lane.ledger.in_flight for lane in self.lanes.values())

    def awaits_word(self) -> bool:
        """Whether some lane may go on only when the broker has confirmed a commit."""
        return bool(self._wary)

    def hungry(self) -> Iterator[Lane]:
        """Lanes that could use records, if Kafka had some."""
        for lane in self.lanes.values():
            if lane.state is LaneState.OPEN and not lane.out_of_range and not lane.held:
                if is_hungry(lane.ledger, self.limits):
                    yield lane

    # -- settling -------------------------------------------------------------------

    def settle(self, lane: Lane, through: int) -> int:
        """Everything of the lane up to ``through`` is finished; return how many records."""
        settled = lane.ledger.settle(through)
        if settled:
            lane.progress(settled)
            self._calm(lane)
        return settled

    def _calm(self, lane: Lane) -> None:
        if not lane.wary:  # and it will not be so again, in this assignment
            self._wary.pop(lane.partition, None)

    def hopeless(self, slot: int) -> list[Lane]:
        """Lanes whose next record has been charged with too many deaths, as their commit's
        memo told: to be given up unrun."""
        return [
            lane
            for lane in self.slots.of(slot)
            if lane.trouble is not None
            and not lane.held
            and lane.trouble.crashes >= self._max_crashes
            and lane.trouble.alone
            and lane.ledger.first_buffered == lane.trouble.offset
            and not lane.ledger.in_flight
        ]

    def worker_died(self, slot: int, running: Iterable[Running]) -> list[Lane]:
        """Rewind the slot's lanes and charge what was running.

        Returns:
            Lanes whose head record has now killed its worker too often, *alone*:
            to be given up. A record that died together with others is only
            suspected, and will be run alone.
        """
        by_index = {lane.index: lane for lane in self.slots.of(slot)}
        for lane in by_index.values():
            self._by_number.pop(lane.number, None)
            lane.opened = False
            if lane.state is LaneState.CLOSING:
                lane.state = LaneState.CLOSED  # nothing runs for it any more
            lane.counts.redelivered += lane.ledger.rewind()
        charged = [(by_index[i], offset) for i, offset in running if i in by_index]
        given_up = []
        for lane, offset in charged:
            trouble = lane.in_trouble(offset)
            trouble.died(alone=len(charged) == 1)
            too_often = trouble.crashes >= self._max_crashes and trouble.alone
            # Records before it may be unsettled (the acks were unreadable): it waits its turn.
            if too_often and lane.ledger.first_buffered == offset:
                given_up.append(lane)
        return given_up

    # -- committing -----------------------------------------------------------------

    def to_announce(self) -> Iterator[tuple[Lane, Position]]:
        """Lanes that wait until the broker knows their next record, and it was not told."""
        for lane in self._wary.values():
            if lane.acquitted or (lane.careful and lane.next_record is not None):
                position = lane.position()
                if position is not None and position != lane.requested:
                    yield lane, position

    def to_commit(self) -> Iterator[tuple[Lane, Position]]:
        """Lanes whose position has moved since a commit was last sent for them."""
        for lane in self.lanes.values():
            position = lane.position()
            if position is not None and (lane.refused or position != lane.requested):
                yield lane, position
