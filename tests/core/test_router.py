"""Each partition has one worker, a crash loses nothing and blames no neighbour.

In doubt because several lanes of several workers share one state, and workers
die at any point: lane by lane the naive model of the ledger must agree, and
what the router says of suspects, numbers and credits is recomputed here from
the story so far.
"""

from collections import Counter
from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.core.naive import FakeRecord, NaiveLedger
from ticketpool.core.flow import Limits
from ticketpool.core.lane import Lane, LaneState
from ticketpool.core.ledger import Chunk
from ticketpool.core.model import Partition
from ticketpool.core.router import Router, group

LIMITS = Limits(
    batch_records=4,
    batch_bytes=12,
    window_records=6,
    window_bytes=16,
    buffer_records=50,
    buffer_bytes=1 << 20,
)
PARTITIONS = [Partition(topic, number) for topic in ("a", "b") for number in range(3)]
SHARED_BYTES = 200 << 10


class LaneModel:
    """A lane's story: its records, who is suspected, how often each killed its worker."""

    def __init__(self, start: int | None) -> None:
        self.records = NaiveLedger(start)
        self.suspect: int | None = None
        self.deaths: Counter[int] = Counter()
        self.redelivered = 0

    def settle(self, through: int) -> int:
        done = self.records.settle(through)
        if self.suspect is not None and through >= self.suspect:
            self.suspect = None
        return done


class RouterMachine(RuleBasedStateMachine):
    """Assignments, reads, sends, acks, failures, deaths and closings in any order."""

    @initialize(slots=st.integers(1, 3), max_crashes=st.integers(1, 3))
    def begin(self, slots: int, max_crashes: int) -> None:
        self.slots, self.max_crashes = slots, max_crashes
        self.router = Router(
            slots, LIMITS, max_crashes=max_crashes, total_buffer_bytes=SHARED_BYTES
        )
        self.model: dict[Partition, LaneModel] = {}
        self.fenced: set[int] = set()
        for partition in PARTITIONS[:4]:
            self.add(partition, 0)
            self.receive_into(partition, [1] * 8)
        for slot in range(slots):
            self.ready(slot)

    def draw(
        self, data: st.DataObject, fits: Callable[[LaneModel], object] = bool
    ) -> tuple[Lane, LaneModel] | None:
        """One of the lanes whose model fits, if there is one."""
        fitting = sorted(partition for partition, model in self.model.items() if fits(model))
        if not fitting:
            return None
        partition = data.draw(st.sampled_from(fitting))
        return self.router.lanes[partition], self.model[partition]

    # -- assignment ---------------------------------------------------------------------

    @rule(data=st.data(), start=st.none() | st.integers(0, 9))
    def assign(self, data: st.DataObject, start: int | None) -> None:
        free = [partition for partition in PARTITIONS if partition not in self.model]
        if free:
            self.add(data.draw(st.sampled_from(free)), start)

    def add(self, partition: Partition, start: int | None) -> None:
        loads = [len(self.router.of_slot(slot)) for slot in range(self.slots)]
        lane = self.router.assign(partition, start)
        assert lane.slot == loads.index(min(loads))
        self.model[partition] = LaneModel(start)

    @rule(data=st.data())
    def open(self, data: st.DataObject) -> None:
        self.ready(data.draw(st.integers(0, self.slots - 1)))

    def ready(self, slot: int) -> None:
        """A worker has become ready: it is told of its lanes."""
        for lane in self.router.of_slot(slot):
            if lane.state is LaneState.OPEN and not lane.opened:
                self.router.open(lane)
                assert self.router.find(lane.number) is lane

    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        found = self.draw(data)
        if found and (lane := found[0]).state is LaneState.OPEN:
            lane.state = LaneState.CLOSING if lane.opened else LaneState.CLOSED

    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        found = self.draw(data)
        if not found:
            return
        lane = found[0]
        self.fenced.add(lane.number)
        self.router.forget(lane)
        del self.model[lane.partition]
        assert lane.state is LaneState.CLOSED

    # -- work ------------------------------------------------------------------------------

    @rule(data=st.data(), sizes=st.lists(st.integers(0, 9), min_size=1, max_size=12))
    def receive(self, data: st.DataObject, sizes: list[int]) -> None:
        if found := self.draw(data):
            self.receive_into(found[0].partition, sizes)

    def receive_into(self, partition: Partition, sizes: list[int]) -> None:
        lane, model = self.router.lanes[partition], self.model[partition]
        first = model.records.next or 0
        made = [FakeRecord(first + i, size, lane.partition) for i, size in enumerate(sizes)]
        lane.ledger.receive(made, [record.offset() for record in made])
        model.records.receive(made)

    @rule(data=st.data())
    def send(self, data: st.DataObject) -> None:
        slot = data.draw(st.integers(0, self.slots - 1))
        suspects = [
            lane
            for lane in self.router.of_slot(slot)
            if self.model[lane.partition].suspect is not None
        ]
        sent = []
        for lane, chunk in self.router.sendable(slot):
            self.check_sent(lane, chunk, bool(suspects))
            sent.append(lane)
        if suspects:
            assert len(sent) <= 1
            assert set(sent) <= {suspects[0]}
        else:
            self.check_nothing_left(slot)

    def check_sent(self, lane: Lane, chunk: Chunk, alone: bool) -> None:
        window = self.model[lane.partition].records.window
        held = self.model[lane.partition].records.held
        assert lane.state is LaneState.OPEN
        assert lane.opened
        if alone:
            assert (len(window), len(chunk.offsets)) == (0, 1)
        else:
            assert len(window) + len(held) < LIMITS.window_records
            assert self.model[lane.partition].records.bytes_of(window) < LIMITS.window_bytes
        assert 1 <= len(chunk.offsets) <= LIMITS.batch_records
        assert chunk.size <= LIMITS.batch_bytes or len(chunk.offsets) == 1
        assert list(chunk.offsets) == self.model[lane.partition].records.take(len(chunk.offsets))

    def check_nothing_left(self, slot: int) -> None:
        """All that had credit has been sent."""
        for lane in self.router.of_slot(slot):
            records = self.model[lane.partition].records
            if lane.state is LaneState.OPEN and lane.opened and records.buffer:
                in_use = len(records.window) + len(records.held)
                full = records.bytes_of(records.window) >= LIMITS.window_bytes
                assert full or in_use >= LIMITS.window_records

    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        """An ack: everything up to some record is finished, some of it failed for good."""
        found = self.draw(data, lambda model: model.records.window)
        if not found:
            return
        lane, model = found
        through = data.draw(st.sampled_from(model.records.window))
        failed = data.draw(st.sets(st.sampled_from(model.records.window)))
        for offset in sorted(offset for offset in failed if offset <= through):
            lane.ledger.hold(offset)
            model.records.held.append(offset)
        assert self.router.settle(lane, through) == model.settle(through)

    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        if found := self.draw(data, lambda model: model.records.held):
            offset = data.draw(st.sampled_from(found[1].records.held))
            found[0].ledger.release(offset)
            found[1].records.held.remove(offset)

    # -- deaths ------------------------------------------------------------------------------

    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        slot = data.draw(st.integers(0, self.slots - 1))
        lanes = list(self.router.of_slot(slot))
        busy = [lane for lane in lanes if self.model[lane.partition].records.window]
        running = data.draw(st.sets(st.sampled_from(busy))) if busy else set()
        heads = [(lane, self.model[lane.partition].records.window[0]) for lane in running]
        self.fenced |= {lane.number for lane in lanes}
        unknown = (99, 7)  # the lane's words may tell of one that is gone by now
        died = self.router.worker_died(slot, [*((lane.index, at) for lane, at in heads), unknown])
        for lane in lanes:
            self.check_rewound(lane)
        assert {lane.partition for lane in died} == self.charge(heads)
        for lane in died:
            self.give_up(lane)

    def check_rewound(self, lane: Lane) -> None:
        model = self.model[lane.partition]
        model.redelivered += model.records.rewind()
        assert lane.counts.redelivered == model.redelivered
        assert not lane.opened
        assert lane.state is not LaneState.CLOSING

    def charge(self, heads: list[tuple[Lane, int]]) -> set[Partition]:
        """Note the deaths; who has to be given up for them."""
        for lane, offset in heads:
            model = self.model[lane.partition]
            model.suspect = offset
            model.deaths[offset] += 1
        return {
            lane.partition
            for lane, offset in heads
            if len(heads) == 1 and self.model[lane.partition].deaths[offset] >= self.max_crashes
        }

    def give_up(self, lane: Lane) -> None:
        """As the supervisor does it: the next record is taken, held and settled."""
        model = self.model[lane.partition]
        chunk = lane.ledger.take(1, 1)
        assert chunk is not None
        assert list(chunk.offsets) == [model.suspect] == model.records.take(1)
        lane.ledger.hold(chunk.offsets[0])
        model.records.held.append(chunk.offsets[0])
        assert self.router.settle(lane, chunk.offsets[0]) == model.settle(chunk.offsets[0])

    # -- commits --------------------------------------------------------------------------------

    @rule()
    def commit(self) -> None:
        for lane, offset in self.router.to_commit():
            assert lane.requested != offset == lane.ledger.committable
            assert lane.requested is None or offset > lane.requested
            lane.requested = offset
        assert not list(self.router.to_commit())
        for lane in self.router.lanes.values():
            assert lane.requested == lane.ledger.committable

    @invariant()
    def agrees_with_the_model(self) -> None:
        for partition, model in getattr(self, "model", {}).items():
            lane = self.router.lanes[partition]
            model.records.check(lane.ledger)
            assert lane.suspect == model.suspect
            assert self.router.find(lane.number) is (lane if lane.opened else None)

    @invariant()
    def places_are_unique_and_stale_numbers_are_not_found(self) -> None:
        if not hasattr(self, "router"):
            return
        lanes = self.router.lanes.values()
        assert set(self.router.lanes) == set(self.model)
        assert len({(lane.slot, lane.index) for lane in lanes}) == len(lanes)
        assert all(self.router.find(number) is None for number in self.fenced)
        assert self.router.starved() == any(m.records.buffer for m in self.model.values())
        if lanes:
            fair = max(SHARED_BYTES // len(lanes), 64 << 10)
            assert self.router.limits.buffer_bytes == fair


RouterMachine.TestCase.settings = settings(max_examples=300, stateful_step_count=50, deadline=None)
TestRouter = RouterMachine.TestCase


def lane_with(router: Router, partition: Partition, *offsets: int) -> Lane:
    """An opened lane whose records at these offsets have been sent."""
    lane = router.assign(partition, offsets[0])
    router.open(lane)
    lane.ledger.receive([FakeRecord(offset) for offset in offsets], offsets)
    assert list(router.sendable(lane.slot))
    return lane


def test_of_two_that_died_together_only_the_one_that_dies_alone_is_given_up() -> None:
    router = Router(1, LIMITS, max_crashes=2)
    guilty, innocent = lane_with(router, PARTITIONS[0], 5, 6), lane_with(router, PARTITIONS[1], 7)
    both = [(guilty.index, 5), (innocent.index, 7)]
    assert router.worker_died(0, both) == []
    assert router.worker_died(0, both) == []  # often enough, but never alone
    router.open(guilty)
    router.open(innocent)
    [(lane, chunk)] = router.sendable(0)
    assert (lane, list(chunk.offsets)) == (guilty, [5])
    assert list(router.sendable(0)) == []  # nothing beside it
    assert router.worker_died(0, [(guilty.index, 5)]) == [guilty]
    assert innocent.ledger.buffered == 1


def test_a_suspect_that_finishes_is_cleared_and_the_others_run_again() -> None:
    router = Router(1, LIMITS, max_crashes=3)
    first, second = lane_with(router, PARTITIONS[0], 5, 6), lane_with(router, PARTITIONS[1], 7)
    router.worker_died(0, [(first.index, 5)])
    router.open(first)
    router.open(second)
    assert [lane for lane, _ in router.sendable(0)] == [first]
    router.settle(first, 5)
    assert first.suspect is None
    assert first.crashes == {}
    assert [lane for lane, _ in router.sendable(0)] == [first, second]


def test_a_suspect_whose_lane_is_closing_or_drained_gets_nothing() -> None:
    router = Router(1, LIMITS, max_crashes=3)
    lane = lane_with(router, PARTITIONS[0], 5)
    router.worker_died(0, [(lane.index, 6)])  # a record that the ledger never had
    router.open(lane)
    assert [chunk.offsets for _, chunk in router.sendable(0)] == [(5,)]
    router.settle(lane, 5)
    assert list(router.sendable(0)) == []
    lane.state = LaneState.CLOSING
    assert list(router.sendable(0)) == []


def test_records_are_grouped_in_runs_of_one_partition_in_the_order_read() -> None:
    a, b = PARTITIONS[0], PARTITIONS[3]
    read = [FakeRecord(0, 1, a), FakeRecord(1, 1, a), FakeRecord(0, 1, b), FakeRecord(2, 1, a)]
    assert [(at, [r.offset() for r in run]) for at, run in group(read)] == [
        (a, [0, 1]),
        (b, [0]),
        (a, [2]),
    ]
    assert list(group([])) == []
