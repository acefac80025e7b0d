"""Each partition has one worker, a crash loses nothing and blames no neighbour.

In doubt because several lanes of several workers share one state, and workers
die at any point: lane by lane the naive model of the ledger must agree, and
what the router says of suspects, numbers, memos and credits is recomputed here
from the story so far. People pause, move and scale meanwhile.
"""

from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.core.naive import FakeRecord, NaiveLedger
from ticketpool.core.flow import RECORD_BYTES, Limits
from ticketpool.core.lane import Lane, LaneState
from ticketpool.core.ledger import Chunk
from ticketpool.core.model import Partition
from ticketpool.core.router import Router
from ticketpool.core.trouble import Position, Trouble, memo_of, trouble_of

LIMITS = Limits(
    batch_records=4,
    first_records=2,
    watched_records=12,
    batch_bytes=12,
    window_records=6,
    window_bytes=16,
    buffer_records=50,
    buffer_bytes=1 << 20,
)
PARTITIONS = [Partition(topic, number) for topic in ("a", "b") for number in range(3)]
SHARED_BYTES = 20 << 10


class LaneModel:
    """A lane's story: its records, and which of them is suspected of how many deaths."""

    def __init__(self, start: int | None, told: Trouble | None = None) -> None:
        self.records = NaiveLedger(start)
        self.suspect = told.offset if told else None
        self.deaths = told.crashes if told else 0
        self.alone = told.alone if told else False
        self.cautious = LIMITS.first_records if told else 0
        self.watched = LIMITS.watched_records if told else 1
        self.redelivered = 0
        self.held = False

    def settle(self, through: int) -> int:
        done = self.records.settle(through)
        self.cautious, self.watched = max(self.cautious - done, 0), max(self.watched - done, 0)
        if self.suspect is not None and through >= self.suspect:
            self.suspect, self.deaths, self.alone = None, 0, False
        return done

    def charge(self, offset: int, *, alone: bool) -> None:
        self.deaths = self.deaths + 1 if self.suspect == offset else 1
        self.suspect, self.alone = offset, alone

    @property
    def head(self) -> int | None:
        return next(iter(self.records.window + self.records.buffer), None)

    def charged(self, offset: int) -> int:
        return self.deaths if offset == self.suspect else 0

    @property
    def resting(self) -> bool:
        return self.held and not self.records.window

    def memo(self, lane: Lane) -> str:
        """What has to stand beside the commit."""
        careful = lane.has_turn if lane.caution else self.watched > 0
        careful = careful and not self.resting  # nothing of it is about to run
        head = self.head
        if careful and head is not None and lane.state is LaneState.OPEN:
            return memo_of(Trouble(head, 0, self.charged(head) + 1, alone=lane.alone))
        if self.suspect is None:
            return ""
        return memo_of(Trouble(self.suspect, 0, self.deaths, alone=self.alone))


class RouterMachine(RuleBasedStateMachine):
    """Assignments, reads, sends, acks, failures, deaths and closings in any order."""

    @initialize(slots=st.integers(1, 3), max_crashes=st.integers(1, 3))
    def begin(self, slots: int, max_crashes: int) -> None:
        self.slots = self.most_slots = slots
        self.max_crashes = max_crashes
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
        self.commit()
        self.confirm()

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
        if free := self.free:
            self.add(data.draw(st.sampled_from(free)), start)

    @rule(data=st.data(), start=st.integers(0, 9), crashes=st.integers(1, 3), alone=st.booleans())
    def take_over(self, data: st.DataObject, start: int, crashes: int, alone: bool) -> None:
        """From a supervisor that died, and had said before what it was about to run."""
        if free := self.free:
            told = Trouble(start + data.draw(st.integers(0, 2)), 0, crashes, alone=alone)
            self.add(data.draw(st.sampled_from(free)), start, told)

    @property
    def free(self) -> list[Partition]:
        return [partition for partition in PARTITIONS if partition not in self.model]

    def add(self, partition: Partition, start: int | None, told: Trouble | None = None) -> None:
        loads = self.loads()[: self.slots]
        lane = self.router.assign(partition, start)
        assert lane.slot == loads.index(min(loads))
        if start is not None:
            lane.carry_over(Position(start, memo_of(told)), LIMITS)
        self.model[partition] = LaneModel(start, told)

    def loads(self) -> list[int]:
        """How many lanes each slot will have, when all have arrived."""
        going = [lane.destination for lane in self.router.lanes.values()]
        return [going.count(slot) for slot in range(self.most_slots)]

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

    @rule(data=st.data(), announced=st.booleans())
    def send(self, data: st.DataObject, announced: bool) -> None:
        slot = data.draw(st.integers(0, self.slots - 1))
        if announced:
            self.commit()
            self.confirm()
        self.give_up_the_hopeless(slot)
        before = self.on_a_last_chance()
        sent = []
        for lane, chunk in self.router.sendable(slot):
            assert lane.slot == slot
            self.check_sent(lane, chunk)
            assert before in (None, lane)
            sent.append(lane)
        if any(lane.suspect for lane in sent):
            assert len(sent) == 1
        elif not any(lane.suspect or lane.acquitted for lane in self.router.lanes.values()):
            self.check_nothing_left(slot)  # nobody waits for the broker to know of an acquittal

    def on_a_last_chance(self) -> Lane | None:
        """The lane that runs, alone, a record that one more death makes a dead letter."""
        lanes = [self.router.lanes[partition] for partition in self.model]
        running = (lane for lane in lanes if lane.alone and lane.state is LaneState.OPEN)
        return next((lane for lane in running if lane.ledger.in_flight), None)

    def give_up_the_hopeless(self, slot: int) -> None:
        expected = []
        for lane in self.router.of_slot(slot):
            model = self.model[lane.partition]
            deadly = model.alone and model.deaths >= self.max_crashes
            if deadly and not model.records.window and not model.held:
                expected += [lane] if model.records.buffer[:1] == [model.suspect] else []
        assert self.router.hopeless(slot) == expected
        for lane in expected:
            self.give_up(lane)

    def check_sent(self, lane: Lane, chunk: Chunk) -> None:
        model = self.model[lane.partition]
        window = model.records.window
        assert lane.state is LaneState.OPEN
        assert lane.opened
        assert lane.moving is None
        assert not model.held
        if lane.suspect and not lane.caution:
            others = [one for one in self.router.of_slot(lane.slot) if one is not lane]
            assert not any(one.ledger.in_flight for one in others)
        if lane.suspect or model.watched:
            assert not window
            assert len(chunk.offsets) <= (1 if lane.suspect else LIMITS.first_records)
        else:
            assert len(window) + model.records.exposed < LIMITS.window_records
            assert model.records.bytes_of(window) < LIMITS.window_bytes
        if lane.caution or (model.watched and not lane.suspect):
            self.check_announced(lane, chunk.offsets[0])
        assert 1 <= len(chunk.offsets) <= LIMITS.batch_records
        assert chunk.size <= LIMITS.batch_bytes or len(chunk.offsets) == 1
        assert list(chunk.offsets) == model.records.take(len(chunk.offsets))

    def check_announced(self, lane: Lane, offset: int) -> None:
        """Should it end this very process, the next one finds it charged with that."""
        deaths = self.model[lane.partition].charged(offset) + 1
        assert lane.confirmed is not None
        told = trouble_of(lane.confirmed.memo)
        assert told is not None
        assert (told.offset, told.crashes) == (offset, deaths)
        assert told.alone == (lane.caution > 0 and deaths >= self.max_crashes)
        if told.alone:
            others = [one for one in self.router.lanes.values() if one is not lane]
            assert not any(one.ledger.in_flight for one in others)

    def check_nothing_left(self, slot: int) -> None:
        """All that had credit has been sent."""
        for lane in self.router.of_slot(slot):
            model, records = self.model[lane.partition], self.model[lane.partition].records
            served = lane.state is LaneState.OPEN and lane.opened and lane.moving is None
            if served and records.buffer and not model.held:
                in_use = len(records.window) + records.exposed
                full = records.bytes_of(records.window) >= LIMITS.window_bytes
                waits = model.watched and (records.window or not lane.announced)
                assert waits or full or in_use >= LIMITS.window_records

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
        slot = data.draw(st.integers(0, self.most_slots - 1))
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
        for lane in lanes:
            self.land(lane)

    def check_rewound(self, lane: Lane) -> None:
        model = self.model[lane.partition]
        model.redelivered += model.records.rewind()
        assert lane.counts.redelivered == model.redelivered
        assert not lane.opened
        assert lane.state is not LaneState.CLOSING

    def charge(self, heads: list[tuple[Lane, int]]) -> set[Partition]:
        """Note the deaths; who has to be given up for them."""
        alone = len(heads) == 1
        for lane, offset in heads:
            self.model[lane.partition].charge(offset, alone=alone)
        return {
            lane.partition
            for lane, _ in heads
            if alone and self.model[lane.partition].deaths >= self.max_crashes
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

    @rule(data=st.data())
    def park(self, data: st.DataObject) -> None:
        """Its worker is recycled: another process will open the lane."""
        found = self.draw(data)
        if not found or found[0].state is not LaneState.OPEN:
            return
        lane, model = found
        self.fenced.add(lane.number)
        self.router.park(lane)
        model.records.rewind()
        assert not lane.opened
        self.land(lane)

    # -- people ----------------------------------------------------------------------------------

    @rule(data=st.data())
    def hold_or_resume(self, data: st.DataObject) -> None:
        if found := self.draw(data):
            lane, model = found
            lane.held = model.held = not model.held
            assert lane.resting == model.resting

    @rule(data=st.data())
    def move(self, data: st.DataObject) -> None:
        if found := self.draw(data):
            self.send_to(found[0], data.draw(st.integers(0, self.slots - 1)))

    @rule(slots=st.integers(1, 4))
    def scale(self, slots: int) -> None:
        self.slots, self.most_slots = slots, max(slots, self.most_slots)
        self.router.slots.resize(slots)
        self.check_plan(before := self.loads(), plan := self.router.slots.plan())
        for lane, slot in plan:
            self.send_to(lane, slot)
        after = self.loads()
        assert max(after[:slots]) - min(after[:slots]) <= 1
        assert not any(after[slots:])
        assert sum(before) == sum(after)

    def check_plan(self, loads: list[int], plan: list[tuple[Lane, int]]) -> None:
        """No more moves than are needed."""
        lanes, open_slots = sum(loads), self.slots
        fair = sorted([lanes // open_slots + (i < lanes % open_slots) for i in range(open_slots)])
        stay = sum(map(min, sorted(loads[:open_slots]), fair))
        assert len(plan) == lanes - stay
        assert all(lane.destination != slot for lane, slot in plan)

    def send_to(self, lane: Lane, slot: int) -> None:
        self.router.slots.send(lane, slot)
        assert lane.destination == slot
        if not lane.opened:
            self.land(lane)

    def land(self, lane: Lane) -> None:
        if lane.moving is not None:
            slot = lane.moving
            self.router.slots.land(lane)
            assert lane.slot == lane.destination == slot
            assert lane in self.router.of_slot(slot)

    # -- commits --------------------------------------------------------------------------------

    @rule()
    def commit(self) -> None:
        for lane, position in self.router.to_commit():
            assert lane.refused or position != lane.requested
            assert position.memo == self.model[lane.partition].memo(lane)
            lane.requested, lane.refused = position, False
        assert not list(self.router.to_commit())
        assert not list(self.router.to_announce())
        for lane in self.router.lanes.values():
            assert (lane.requested and lane.requested.offset) == lane.ledger.committable

    @rule()
    def confirm(self) -> None:
        for lane in self.router.lanes.values():
            lane.confirmed = lane.confirmed if lane.refused else lane.requested
            assert lane.committed == (lane.confirmed and lane.confirmed.offset)

    @rule(data=st.data())
    def refuse(self, data: st.DataObject) -> None:
        if found := self.draw(data):
            found[0].refused = True

    @invariant()
    def agrees_with_the_model(self) -> None:
        for partition, model in getattr(self, "model", {}).items():
            lane = self.router.lanes[partition]
            model.records.check(lane.ledger)
            trouble = lane.trouble or Trouble(-1)
            assert trouble.offset == (-1 if model.suspect is None else model.suspect)
            assert (trouble.crashes, trouble.alone) == (model.deaths, model.alone)
            assert lane.watched == model.watched
            assert lane.caution == model.cautious
            assert lane.suspect == (model.suspect is not None or lane.caution > 0)
            assert self.router.find(lane.number) is (lane if lane.opened else None)

    @invariant()
    def of_the_cautious_lanes_one_runs_in_the_whole_pool(self) -> None:
        lanes = self.router.lanes.values() if hasattr(self, "router") else ()
        running = [lane for lane in lanes if lane.caution and lane.ledger.in_flight]
        assert sum(lane.state is LaneState.OPEN for lane in running) <= 1

    @invariant()
    def places_are_unique_and_stale_numbers_are_not_found(self) -> None:
        if not hasattr(self, "router"):
            return
        lanes = self.router.lanes.values()
        assert set(self.router.lanes) == set(self.model)
        assert len({(lane.slot, lane.index) for lane in lanes}) == len(lanes)
        assert all(self.router.find(number) is None for number in self.fenced)
        models = self.model.values()
        assert self.router.starved() == any(m.records.buffer and not m.held for m in models)
        assert len(
            {id(lane) for slot in range(self.most_slots) for lane in self.router.of_slot(slot)}
        ) == len(lanes)
        self.check_buffers_share_what_is_scarce()

    def check_buffers_share_what_is_scarce(self) -> None:
        records = [model.records for model in self.model.values()]
        held = sum(one.bytes_of(one.buffer) + RECORD_BYTES * len(one.buffer) for one in records)
        fair = max(SHARED_BYTES // max(len(records), 1), 64 << 10)
        limits = self.router.buffer_limits()
        assert limits.buffer_bytes == (fair if held >= SHARED_BYTES else LIMITS.buffer_bytes)


RouterMachine.TestCase.settings = settings(max_examples=300, stateful_step_count=50, deadline=None)
TestRouter = RouterMachine.TestCase


def confirm(router: Router) -> None:
    """The broker takes all commits that are due."""
    for lane, position in router.to_commit():
        lane.requested = lane.confirmed = position
        lane.refused = False


def lane_with(
    router: Router, partition: Partition, *offsets: int, told: Trouble | None = None
) -> Lane:
    """An opened lane with records at these offsets, and what its last owner told of them."""
    lane = router.assign(partition, offsets[0])
    router.open(lane)
    lane.ledger.receive([FakeRecord(offset) for offset in offsets], offsets)
    lane.carry_over(Position(offsets[0], memo_of(told)), router.limits)
    return lane


def sent(router: Router, slot: int = 0) -> list[tuple[Lane, list[int]]]:
    """What is sent after a commit."""
    confirm(router)
    return [(lane, list(chunk.offsets)) for lane, chunk in router.sendable(slot)]


def test_of_two_that_died_together_only_the_one_that_dies_alone_is_given_up() -> None:
    router = Router(1, LIMITS, max_crashes=2)
    guilty, innocent = lane_with(router, PARTITIONS[0], 5, 6), lane_with(router, PARTITIONS[1], 7)
    both = [(guilty.index, 5), (innocent.index, 7)]
    assert len(sent(router)) == 2
    assert router.worker_died(0, both) == []
    assert router.worker_died(0, both) == []  # often enough, but never alone
    router.open(guilty)
    router.open(innocent)
    assert sent(router) == [(guilty, [5])]
    assert sent(router) == []  # nothing beside it
    assert router.worker_died(0, [(guilty.index, 5)]) == [guilty]
    assert innocent.ledger.buffered == 1


def test_a_record_is_given_up_only_when_all_before_it_is_finished() -> None:
    router = Router(1, LIMITS, max_crashes=1)
    lane = lane_with(router, PARTITIONS[0], 5, 6)
    lane.watched = 0
    assert sent(router) == [(lane, [5, 6])]
    assert router.worker_died(0, [(lane.index, 6)]) == []  # 5 was not acknowledged
    router.open(lane)
    assert router.hopeless(0) == []
    assert sent(router) == [(lane, [5])]
    router.settle(lane, 5)
    assert router.hopeless(0) == [lane]


def test_a_suspect_that_finishes_is_cleared_and_the_others_run_again() -> None:
    router = Router(1, LIMITS, max_crashes=3)
    first, second = lane_with(router, PARTITIONS[0], 5, 6), lane_with(router, PARTITIONS[1], 7)
    router.worker_died(0, [(first.index, 5)])
    router.open(first)
    router.open(second)
    assert sent(router) == [(first, [5])]
    router.settle(first, 5)
    assert not first.suspect
    assert first.trouble is None
    assert sent(router) == [(first, [6]), (second, [7])]


def test_a_lane_that_could_use_records_is_hungry() -> None:
    router = Router(1, LIMITS, max_crashes=3)
    _, hungry, closing, stopped = (
        lane_with(router, partition, *range(count))
        for partition, count in zip(PARTITIONS, (9, 1, 1, 1), strict=False)
    )
    closing.state, stopped.out_of_range = LaneState.CLOSING, True
    assert list(router.hungry()) == [hungry]


def test_the_brokers_word_is_waited_for_until_the_last_watched_lane_has_begun() -> None:
    router = Router(1, LIMITS, max_crashes=3)
    lanes = [lane_with(router, partition, 5) for partition in PARTITIONS[:3]]
    assert len(sent(router)) == len(lanes)
    for lane in lanes[:2]:
        router.settle(lane, 5)
        assert router.awaits_word()
    router.forget(lanes[2])
    assert not router.awaits_word()


def test_a_lane_is_announced_once_and_without_those_that_merely_moved() -> None:
    router = Router(1, LIMITS, max_crashes=3)
    begun, new = (lane_with(router, partition, 5, 6) for partition in PARTITIONS[:2])
    sent(router)
    router.settle(begun, 6)
    new.requested = None
    assert [lane for lane, _ in router.to_commit()] == [begun, new]
    assert [lane for lane, _ in router.to_announce()] == [new]
    new.requested = new.position()
    assert list(router.to_announce()) == []


def test_acks_are_waited_for_while_records_are_in_flight() -> None:
    router = Router(1, LIMITS, max_crashes=3)
    lane = lane_with(router, PARTITIONS[0], 5)
    assert not router.in_flight()
    assert sent(router) == [(lane, [5])]
    assert router.in_flight()
    router.settle(lane, 5)
    assert not router.in_flight()


def test_a_suspect_gets_nothing_when_its_lane_closes() -> None:
    router = Router(1, LIMITS, max_crashes=3)
    lane = lane_with(router, PARTITIONS[0], 5, 6)
    router.worker_died(0, [(lane.index, 5)])
    router.open(lane)
    lane.state = LaneState.CLOSING
    assert sent(router) == []


def test_a_lane_begins_with_a_little_that_the_broker_knows_of() -> None:
    router = Router(1, LIMITS, max_crashes=3)
    lane = lane_with(router, PARTITIONS[0], *range(5, 12))
    assert list(router.to_announce()) == [(lane, lane.position())]
    assert list(router.sendable(0)) == []  # nothing is committed yet
    assert sent(router) == [(lane, [5, 6])]
    assert trouble_of(lane.position().memo).crashes == 1  # type: ignore[union-attr]
    assert sent(router) == []  # not before something is settled
    router.settle(lane, 5)
    assert lane.position() == (6, "")
    assert sent(router) == [(lane, [7, 8, 9, 10]), (lane, [11])]


def test_a_partition_whose_last_owner_died_is_run_record_by_record_and_one_at_a_time() -> None:
    router = Router(2, LIMITS, max_crashes=3)
    first = lane_with(router, PARTITIONS[0], 5, 6, told=Trouble(5, 0, 1))
    second = lane_with(router, PARTITIONS[1], 7, 8, told=Trouble(7, 0, 1))
    third = lane_with(router, PARTITIONS[2], 9)
    assert first.slot == third.slot != second.slot
    assert list(router.sendable(0)) == []  # neither announced nor confirmed
    assert sent(router, 0) == [(first, [5])]
    assert sent(router, 1) == []  # the other worker's lane has to wait as well
    router.settle(first, 5)
    assert sent(router, 0) == [(first, [6])]
    router.settle(first, 6)
    assert sent(router, 1) == []
    sent(router, 0)
    assert sent(router, 1) == [(second, [7])]


def test_a_turn_passes_on_when_there_is_nothing_to_run_for_now() -> None:
    router = Router(1, LIMITS, max_crashes=3)
    first = lane_with(router, PARTITIONS[0], 5, told=Trouble(5, 0, 1))
    second = lane_with(router, PARTITIONS[1], 7, told=Trouble(7, 0, 1))
    first.caution = second.caution = 5
    assert sent(router) == []  # announced at its turn
    assert sent(router) == [(first, [5])]
    router.settle(first, 5)
    assert sent(router) == []  # the turn passes on, and is announced next
    assert first.caution == 4  # what comes later may be to blame as well
    assert sent(router) == [(second, [7])]


def test_a_record_that_killed_whole_supervisors_too_often_is_not_run_again() -> None:
    router = Router(1, LIMITS, max_crashes=2)
    lane = lane_with(router, PARTITIONS[0], 5, 6, told=Trouble(5, 0, 2, alone=True))
    assert router.hopeless(0) == [lane]
    lane.ledger.take(1, 1)
    assert router.hopeless(0) == []  # it is dealt with


def test_a_record_that_never_was_alone_when_supervisors_died_gets_its_chance_alone() -> None:
    router = Router(2, LIMITS, max_crashes=2)
    other = lane_with(router, PARTITIONS[0], 5, 6, 7)
    other.watched = 0
    assert [[*chunk.offsets] for _, chunk in router.sendable(0)] == [[5, 6, 7]]
    lane = lane_with(router, PARTITIONS[1], 7, 8, told=Trouble(7, 0, 9))
    assert router.hopeless(1) == []
    assert sent(router, 1) == sent(router, 1) == []
    router.settle(other, 6)
    other.ledger.receive([FakeRecord(8)], [8])
    assert sent(router, 1) == sent(router, 0) == []  # not beside it
    router.settle(other, 7)
    assert sent(router, 1) == []  # to be announced as alone
    assert sent(router, 1) == [(lane, [7])]
    assert lane.confirmed == (7, memo_of(Trouble(7, 0, 10, alone=True)))
    assert sent(router, 0) == []
    router.settle(lane, 7)
    assert sent(router, 0) == [(other, [8])]


def test_the_most_charged_goes_first() -> None:
    router = Router(2, LIMITS, max_crashes=3)
    lane_with(router, PARTITIONS[0], 5, told=Trouble(5, 0, 1))
    second = lane_with(router, PARTITIONS[1], 7, told=Trouble(7, 0, 2))
    assert sent(router, 1) == []
    assert sent(router, 1) == [(second, [7])]


def test_after_a_death_frames_are_small_and_announced_for_long() -> None:
    router = Router(1, LIMITS, max_crashes=3)
    lane = lane_with(router, PARTITIONS[0], *range(5, 30), told=Trouble(5, 0, 1))
    assert sent(router) == []  # announced at its turn
    frames = []
    while found := sent(router):
        frames.append([offset for _, offsets in found for offset in offsets])
        router.settle(lane, frames[-1][-1])
    alone, watched = [[5], [6]], [[at, at + 1] for at in range(7, 17, 2)]
    assert frames[:7] == alone + watched
    assert list(map(len, frames[7:])) == [8, 5]  # two batches, as credit allows


def test_an_acknowledgement_that_comes_twice_changes_nothing() -> None:
    router = Router(1, LIMITS, max_crashes=2)
    lane = lane_with(router, PARTITIONS[0], 5, 6, told=Trouble(6, 0, 1))
    assert sent(router) == []
    assert sent(router) == [(lane, [5])]
    assert [router.settle(lane, 5), router.settle(lane, 5)] == [1, 0]
    assert (lane.caution, lane.watched) == (1, 11)


def test_a_refused_commit_is_sent_again() -> None:
    router = Router(1, LIMITS, max_crashes=2)
    lane = lane_with(router, PARTITIONS[0], 5)
    confirm(router)
    assert list(router.to_commit()) == []
    lane.refused = True
    assert list(router.to_commit()) == [(lane, lane.position())]


def test_a_cautious_lane_that_waits_for_its_dead_letter_only_is_sent_nothing() -> None:
    router = Router(1, LIMITS, max_crashes=3)
    lane = lane_with(router, PARTITIONS[0], 5, told=Trouble(5, 0, 1))
    assert sent(router) == []  # it is announced with its turn
    assert sent(router) == [(lane, [5])]
    lane.ledger.hold(5)
    router.settle(lane, 5)
    assert lane.caution
    assert not lane.ledger.idle
    assert sent(router) == sent(router) == []


def test_a_lane_that_is_held_is_neither_run_nor_announced_nor_given_up() -> None:
    router = Router(1, LIMITS, max_crashes=2)
    lane = lane_with(router, PARTITIONS[0], 5, 6)
    lane.held = True
    assert sent(router) == []
    assert lane.position() == (5, "")  # should this process end now, the record is not to blame
    assert list(router.hungry()) == []
    assert not router.starved()
    lane.held = False
    assert sent(router) == [(lane, [5, 6])]
    router.worker_died(0, [(lane.index, 5)])
    router.open(lane)
    assert sent(router) == [(lane, [5])]
    lane.held = True
    assert router.worker_died(0, [(lane.index, 5)]) == [lane]  # it ran when that was asked
    assert router.hopeless(0) == []
    lane.held = False
    assert router.hopeless(0) == [lane]


def test_a_suspect_that_is_held_keeps_nobody_waiting() -> None:
    router = Router(1, LIMITS, max_crashes=3)
    suspect, other = lane_with(router, PARTITIONS[0], 5, 6), lane_with(router, PARTITIONS[1], 7)
    router.worker_died(0, [(suspect.index, 5)])
    router.open(suspect)
    router.open(other)
    assert sent(router) == [(suspect, [5])]
    suspect.held = True
    assert sent(router) == []  # it runs
    router.settle(suspect, 5)
    suspect.in_trouble(6).died(alone=True)
    assert sent(router) == [(other, [7])]


def test_a_turn_passes_on_when_its_lane_is_held() -> None:
    router = Router(1, LIMITS, max_crashes=3)
    first = lane_with(router, PARTITIONS[0], 5, 6, told=Trouble(5, 0, 1))
    second = lane_with(router, PARTITIONS[1], 7, told=Trouble(7, 0, 1))
    assert list(router.sendable(0)) == []
    assert first.has_turn
    first.held = True
    assert sent(router) == []  # the other's turn, to be announced
    assert sent(router) == [(second, [7])]


def test_a_suspect_that_moves_waits_for_what_its_new_neighbours_run() -> None:
    router = Router(2, LIMITS, max_crashes=3)
    suspect, neighbour = lane_with(router, PARTITIONS[0], 5), lane_with(router, PARTITIONS[1], 7)
    router.worker_died(0, [(suspect.index, 5)])
    assert sent(router, 1) == [(neighbour, [7])]
    router.slots.send(suspect, 1)
    router.slots.land(suspect)
    router.open(suspect)
    assert sent(router, 1) == []
    router.settle(neighbour, 7)
    assert sent(router, 1) == [(suspect, [5])]


def test_a_lane_that_is_to_move_is_not_sent_more_and_counts_where_it_goes() -> None:
    router = Router(2, LIMITS, max_crashes=3)
    moving = lane_with(router, PARTITIONS[0], *range(5, 12))
    router.slots.send(moving, 1)
    assert sent(router, 0) == []
    assert router.assign(PARTITIONS[1], 0).slot == 0
    assert router.slots.of(7) == ()  # of a worker that gets none yet


def test_the_lane_that_lets_go_soonest_moves() -> None:
    router = Router(1, LIMITS, max_crashes=3)
    lanes = [lane_with(router, partition, 5) for partition in PARTITIONS[:4]]
    router.slots.resize(2)
    ages = dict(zip(lanes, (3.0, 0.0, 9.0, 1.0), strict=True))
    assert router.slots.plan(ages.__getitem__) == [(lanes[1], 1), (lanes[3], 1)]
