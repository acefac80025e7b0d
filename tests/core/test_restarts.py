"""A record that kills the whole supervisor ends as a dead letter; no other record does.

In doubt because a supervisor that is killed can say nothing any more: all that the
next one has are the commits with their memos. So here supervisors live and die
purely, memos in and memos out, while workers, acks and commits interleave at random.
"""

from collections.abc import Mapping
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.naive import FakeRecord
from ticketpool.core.flow import Limits
from ticketpool.core.lane import Lane
from ticketpool.core.model import Partition
from ticketpool.core.router import Router
from ticketpool.core.trouble import Position

LIMITS = Limits(batch_records=7, first_records=4, watched_records=60, window_records=14)
PARTITIONS = [Partition("t", number) for number in range(4)]
RECORDS = 40  # in each partition

Place = tuple[int, int]
"""Partition, offset."""


class Killed(Exception):
    """The supervisor is gone, with everything in it."""


class Cluster:
    """What outlives supervisors: the commits, and our notes of what became of the records."""

    def __init__(self, killers: Mapping[Place, int], max_crashes: int, random: Random) -> None:
        self.killers = dict(killers)  # place: how often it still kills
        self.max_crashes = max_crashes
        self.random = random
        self.committed = {partition: Position(0) for partition in PARTITIONS}
        self.finished: dict[Partition, list[int]] = {partition: [] for partition in PARTITIONS}
        self.letters: set[Place] = set()
        self.deaths = 0

    def run(self, lane: Lane, offset: int) -> None:
        """The handler: most records just finish."""
        place = lane.partition.number, offset
        if self.killers.get(place):
            self.killers[place] -= 1
            raise Killed
        if offset not in self.finished[lane.partition]:
            self.finished[lane.partition].append(offset)


class Life:
    """A supervisor from its start to its death, one small step at a time."""

    def __init__(self, cluster: Cluster, slots: int) -> None:
        self.cluster = cluster
        self.slots = slots
        self.router = Router(slots, LIMITS, max_crashes=cluster.max_crashes)
        self.sent: dict[Partition, list[int]] = {partition: [] for partition in PARTITIONS}
        self.requests: list[tuple[Lane, Position]] = []
        for partition in PARTITIONS:
            lane = self.router.assign(partition, cluster.committed[partition].offset)
            lane.carry_over(cluster.committed[partition], LIMITS)
            self.router.open(lane)

    @property
    def over(self) -> bool:
        return all(position == (RECORDS, "") for position in self.cluster.committed.values())

    def step(self) -> None:
        steps = [self.read, self.feed, self.feed, self.work, self.work, self.commit, self.confirm]
        self.cluster.random.choice(steps)()

    def read(self) -> None:
        lane = self.router.lanes[self.cluster.random.choice(PARTITIONS)]
        first = lane.ledger.next or 0
        count = min(self.cluster.random.randint(1, 20), RECORDS - first)
        offsets = range(first, first + count)
        if offsets:
            lane.ledger.receive([FakeRecord(offset) for offset in offsets], offsets)

    def feed(self) -> None:
        slot = self.cluster.random.randrange(self.slots)
        for lane in self.router.hopeless(slot):
            self.give_up(lane)
        for lane, chunk in self.router.sendable(slot):
            self.sent[lane.partition] += chunk.offsets

    def give_up(self, lane: Lane) -> None:
        chunk = lane.ledger.take(1, 1)
        assert chunk is not None
        self.cluster.letters.add((lane.partition.number, chunk.offsets[0]))
        self.router.settle(lane, chunk.offsets[0])

    def work(self) -> None:
        """Some worker goes on in its lane, and acknowledges what it has finished by then."""
        busy = [partition for partition in PARTITIONS if self.sent[partition]]
        if not busy:
            return
        partition = self.cluster.random.choice(busy)
        lane, sent = self.router.lanes[partition], self.sent[partition]
        for _ in range(self.cluster.random.randint(1, len(sent))):
            offset = sent.pop(0)
            self.cluster.run(lane, offset)
            through = offset
        self.router.settle(lane, through)

    def commit(self) -> None:
        due = self.cluster.random.random() >= 0.9
        for lane, position in list(self.router.to_commit() if due else self.router.to_announce()):
            lane.requested = position
            self.requests.append((lane, position))

    def confirm(self) -> None:
        """The broker takes some of the commits on their way, in order; the others wait."""
        for _ in range(self.cluster.random.randint(0, len(self.requests))):
            lane, position = self.requests.pop(0)
            self.cluster.committed[lane.partition] = lane.confirmed = position


def serve(cluster: Cluster, slots: int, *, outside_kills: int = 0) -> None:
    """Start one supervisor after the other until all is done."""
    for _ in range(len(PARTITIONS) * RECORDS):
        life = Life(cluster, slots)
        left = cluster.random.randint(1, 300) if cluster.deaths < outside_kills else 100_000
        try:
            while left and not life.over:
                life.step()
                left -= 1
        except Killed:
            pass
        if life.over:
            return
        assert left != 0 or cluster.deaths < outside_kills, "stands still"
        cluster.deaths += 1
    raise AssertionError("still dying")


places = st.tuples(st.integers(0, len(PARTITIONS) - 1), st.integers(0, RECORDS - 1))
seeds = st.integers(0, 2**32)


@settings(max_examples=300, deadline=None)
@given(places, st.integers(1, 5), st.integers(1, 3), seeds)
def test_a_killer_ends_as_a_dead_letter_and_nothing_else_does(
    killer: Place, max_crashes: int, slots: int, seed: int
) -> None:
    cluster = Cluster({killer: 1000}, max_crashes, Random(seed))
    serve(cluster, slots)
    assert cluster.letters == {killer}
    for partition, finished in cluster.finished.items():
        others = [at for at in range(RECORDS) if (partition.number, at) != killer]
        assert finished == others


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 3), st.integers(1, 5), st.integers(1, 3), seeds)
def test_a_killer_at_the_start_kills_as_often_as_allowed(
    number: int, max_crashes: int, slots: int, seed: int
) -> None:
    cluster = Cluster({(number, 0): 1000}, max_crashes, Random(seed))
    serve(cluster, slots)
    assert cluster.deaths == max(max_crashes, 2)  # at the first it was not alone


@settings(max_examples=200, deadline=None)
@given(st.sets(places, min_size=2, max_size=6), st.integers(1, 4), st.integers(1, 3), seeds)
def test_so_do_several_killers(
    killers: set[Place], max_crashes: int, slots: int, seed: int
) -> None:
    cluster = Cluster(dict.fromkeys(killers, 1000), max_crashes, Random(seed))
    serve(cluster, slots)
    assert cluster.letters == killers
    assert sum(map(len, cluster.finished.values())) == len(PARTITIONS) * RECORDS - len(killers)


@settings(max_examples=100, deadline=None)
@given(places, st.integers(3, 5), seeds)
def test_bad_luck_is_forgiven(place: Place, max_crashes: int, seed: int) -> None:
    cluster = Cluster({place: max_crashes - 2}, max_crashes, Random(seed))
    serve(cluster, 2)
    assert cluster.letters == set()
    assert all(finished == list(range(RECORDS)) for finished in cluster.finished.values())


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 2), seeds)
def test_nobody_is_to_blame_when_it_was_killed_from_outside_once_or_twice(
    kills: int, seed: int
) -> None:
    cluster = Cluster({}, 3, Random(seed))
    serve(cluster, 2, outside_kills=kills)
    assert cluster.deaths <= kills
    assert cluster.letters == set()
    assert all(finished == list(range(RECORDS)) for finished in cluster.finished.values())
