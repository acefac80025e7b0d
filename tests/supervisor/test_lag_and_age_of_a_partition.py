"""What the snapshot tells of a partition, from its first second on and across assignments.

In doubt because there the figures come from several hands: the ledger, the brokers' last
answer, the consumer's last fetch, the clock on the wall.
"""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.core.naive import AT, FakeRecord
from ticketpool import masking
from ticketpool.config import RunConfig
from ticketpool.core.causes import Delay
from ticketpool.core.flow import Limits
from ticketpool.core.lane import Lane, LaneState
from ticketpool.core.router import Router
from ticketpool.core.trouble import Position
from ticketpool.kafka.delays import Delays
from ticketpool.kafka.watermarks import Answer, Want
from ticketpool.pool import SlotState
from ticketpool.supervisor.lookout import Lookout, Outlook

WALL = 1_700_000_000.0


class Marks:
    """``Watermarks`` that answer what they are told to."""

    def __init__(self) -> None:
        self.end: int | None = None
        self.start: int | None = None
        self.error = ""
        self.silent_seconds: float | None = None
        self.wanted: list[Want] = []

    def want(self, wanted: Any) -> None:
        self.wanted = list(wanted)

    def of(self, partition: object, epoch: int) -> Answer | None:
        nothing = self.end is None and self.start is None
        return None if nothing else Answer(epoch, self.end, self.start, self.error)


class Record(FakeRecord):
    """Written so many seconds before ``WALL``."""

    def __init__(self, offset: int, age: float) -> None:
        super().__init__(offset)
        self._millis = int((WALL - age) * 1000)

    def timestamp(self) -> tuple[int, int]:
        return (1, self._millis)


class World:
    """One lane on one worker, and a clock."""

    def __init__(self, start: int | None = 10, **config: Any) -> None:
        self.now = 1000.0
        self.high: int | None = None
        self.marks, self.delays = Marks(), Delays()
        self.router = Router(1, Limits(), max_crashes=3)
        self.slot = SimpleNamespace(index=0, state=SlotState.READY, due=0.0, failures=0)
        pool: Any = SimpleNamespace(slots=[self.slot])
        marks: Any = self.marks
        self.lookout = Lookout(
            RunConfig(**config), self.router, pool, self.delays, marks, lambda _: self.high,
            lambda: self.now, lambda: WALL + self.now - 1000.0,
        )  # fmt: skip
        self.lane = self.assign(start)

    def assign(self, start: int | None) -> Lane:
        self.lane = self.router.assign(AT, start)
        return self.lane

    def read(self, *records: Record) -> None:
        self.lane.ledger.receive(records, [record.offset() for record in records])

    def look(self, running: int | None = None) -> Outlook:
        """``running``: an offset, since a second ago."""
        began = int((self.now - 1) * 1e9)
        return self.lookout.look({} if running is None else {AT: (running, began)})[AT]

    def settle(self, through: int) -> None:
        self.lane.ledger.take(1000, 1 << 20)
        self.lane.counts.processed += self.lane.ledger.settle(through)


def test_before_anything_is_known_nothing_is_told() -> None:
    told = World(start=None).look()
    assert (told.position, told.high_watermark, told.lag) == (None, None, None)
    assert (told.commit_lag, told.time_lag_seconds, told.state) == (None, None, "ok")


def test_a_beginning_is_where_the_log_begins() -> None:
    world = World(start=None)
    world.look()
    assert world.marks.wanted == [Want(AT, world.lane.epoch, True)]
    world.marks.end, world.marks.start = 50, 20
    told = world.look()
    assert (told.position, told.high_watermark, told.lag) == (20, 50, 30)
    world.read(Record(21, 5.0))
    assert world.look().lag == 29  # offset 20 is a marker or was compacted away
    assert world.marks.wanted == [Want(AT, world.lane.epoch, False)]


def test_until_a_broker_has_told_the_last_fetch_counts() -> None:
    world = World()
    world.high = 15
    assert world.look().lag == 5
    world.marks.end = 17
    assert world.look().lag == 7


def test_what_was_read_is_ahead_of_what_was_told() -> None:
    world = World()
    world.marks.end = 10
    world.read(Record(10, 3.0), Record(11, 2.0))
    assert (world.look().high_watermark, world.look().lag) == (12, 2)


def test_age_is_that_of_the_oldest_record_that_is_not_finished() -> None:
    world = World()
    world.marks.end = 12
    world.read(Record(10, 30.0), Record(11, 2.0))
    assert world.look().time_lag_seconds == 30.0
    world.settle(10)
    assert world.look().time_lag_seconds == 2.0
    world.settle(11)
    assert world.look().time_lag_seconds == 0.0


def test_a_record_from_the_future_has_no_age() -> None:
    world = World()
    world.read(Record(10, -60.0))
    assert world.look().time_lag_seconds == 0.0


def test_what_is_not_read_is_as_old_as_we_know_of_it_at_least() -> None:
    world = World()
    world.marks.end = 12
    assert world.look().time_lag_seconds == 0.0
    world.now += 5
    assert world.look().time_lag_seconds == 5.0
    world.read(Record(10, 1.0), Record(11, 1.0))  # WALL has gone on by 5
    assert world.look().time_lag_seconds == 6.0
    world.settle(11)
    world.look()
    world.marks.end = 13
    assert world.look().time_lag_seconds == 0.0


def test_what_is_settled_and_not_committed() -> None:
    world = World()
    world.look()
    world.read(Record(10, 1.0), Record(11, 1.0))
    world.settle(11)
    assert world.look().commit_lag == 2  # since the assignment
    world.lane.confirmed = Position(11)
    assert world.look().commit_lag == 1


def test_a_commit_is_late_for_nobody_while_its_lane_is_drained() -> None:
    world = World()
    world.read(Record(10, 1.0))
    world.settle(10)
    world.lane.state = LaneState.CLOSING
    for _ in range(20):
        world.now += 0.5
        assert world.look().state == "ok"
    world.lane.state = LaneState.OPEN
    for _ in range(20):
        world.now += 0.5
        told = world.look()
    assert told.blame is not None
    assert (told.state, told.blame.kind, told.blame.offset) == ("blocked", "commit", 11)


def test_a_reason_is_told_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an error's text, and goes onto pages."""
    monkeypatch.setattr(masking, "_known", ())
    masking.hide("hunter2!")
    world = World()
    world.read(Record(10, 1.0))
    world.lane.in_trouble(10).failed(1, "OSError: refused: hunter2!")
    world.look()
    world.now += 2
    blame = world.look().blame
    assert blame is not None
    assert blame.reason == "the handler raised OSError: refused: ***; it is tried again"


def test_the_rate_is_over_ten_seconds_and_begins_with_the_assignment() -> None:
    world = World()
    assert world.look().rate_per_s == 0.0
    for _ in range(60):
        world.now += 0.5
        world.lane.counts.processed += 10
        world.lane.counts.dead_lettered += 1
        world.lane.counts.skipped += 1
        rate = world.look().rate_per_s
    assert rate == 24.0
    world.now += 10
    assert world.look().rate_per_s == 0.0


def test_a_new_assignment_begins_anew_but_for_what_shows_a_step_back() -> None:
    world = World()
    world.read(Record(10, 1.0), Record(11, 1.0))
    world.settle(11)
    world.marks.end = 12
    world.look()
    world.now += 5
    world.router.forget(world.lane)
    assert world.lookout.look({}) == {}
    world.assign(10)
    told = world.look(10)
    assert (told.position, told.rate_per_s, told.commit_lag) == (10, 0.0, 0)
    assert told.state == "rewind"


def test_what_is_in_the_way_is_told_with_a_remedy() -> None:
    world = World()
    world.marks.end = 12
    world.slot.state, world.slot.due, world.slot.failures = SlotState.EMPTY, world.now + 4, 3
    told = world.look()
    assert told.state == "blocked"
    assert told.blame is not None
    assert told.blame.reason == (
        "worker 0 has died 3 times in a row and is down; its next start is in 4.0 s"
    )
    world.slot.state = SlotState.STARTING
    told = world.look()
    assert told.blame is not None
    assert told.blame.reason == "worker 0 is starting"
    world.slot.state = SlotState.READY
    world.look()
    world.marks.error = "no leader"
    for _ in range(7):
        told = world.look()
        world.now += 0.5
    assert told.blame is not None
    assert (told.state, told.blame.kind, told.blame.reason) == (
        "blocked", "fetch", "its leader says: no leader"
    )  # fmt: skip


def test_silent_brokers_are_told_of_the_cluster_and_of_every_partition() -> None:
    world = World()
    world.marks.end, world.now = 10, world.now + 8
    assert world.lookout.cluster().since_seconds == 8.0
    world.marks.silent_seconds = 4.0
    told, cluster = world.look(), world.lookout.cluster()
    assert told.state == "blocked"
    assert (cluster.reachable, cluster.since_seconds) == (False, 4.0)
    world.marks.silent_seconds, world.now = None, world.now + 2
    assert (world.look().state, world.lookout.cluster().since_seconds) == ("ok", 2.0)


def test_a_suspect_of_the_same_worker_is_waited_for() -> None:
    world = World()
    first = world.lane
    world.read(Record(10, 1.0))
    first.in_trouble(10).died(alone=False)
    neighbour = world.router.assign(AT._replace(number=4), 0)
    neighbour.ledger.receive([Record(0, 1.0)], [0])
    told = world.lookout.look({})[neighbour.partition]
    assert told.blame is not None
    assert told.blame.reason == f"waits while {AT} offset 10 is run alone: a worker died with it"


def test_a_delay_is_told_until_it_is_over() -> None:
    delays = Delays()
    late = SimpleNamespace(origin=AT, kind="output", offset=7, topic="b")
    delays.note(late, "away")
    delays.note(SimpleNamespace(origin=AT, kind="dead-letter", offset=3, topic="a"), "too large")
    assert delays.of(AT) == Delay("dead-letter", 3, "a", "too large")
    delays.over(AT, "a")
    delays.over(AT._replace(number=9), "b")  # another partition's
    assert delays.of(AT) == Delay("output", 7, "b", "away")
    delays.over(AT, "b")
    assert delays.of(AT) is None
    delays.note(late, "away")
    delays.forget(AT)
    assert delays.of(AT) is None
