"""Of a cluster, a broker dies that leads partitions, or that coordinates the group, and comes
back: leaders and coordinator move away and back again, while no member loses a partition.

In doubt because fetches, commits and heartbeats then fail at different brokers, at different
moments, and each of the failures has a wrong way to be answered: by a rebalance, by a position
that goes back, by a commit that is taken for made.
"""

from collections.abc import Callable, Iterator
from signal import SIGTERM

import pytest

from tests.broker import Unavailable
from tests.broker.cluster import Cluster, launch
from tests.faults.conftest import Start, Stream, go_on, keep_writing
from tests.faults.judge import await_settled, held, noise
from tests.faults.kinds import KINDS, Kind
from tests.run.journal import Journal
from tests.run.topics import committed, places
from tests.support import NEEDS, Command, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(180)]

Kept = Callable[..., None]
PATIENT = ["-X", "session.timeout.ms=30000"]
"""Longer than a coordinator needs to move, as by default."""


@pytest.fixture(scope="module")
def kafka() -> Iterator[Cluster]:
    """In the place of the session's single broker."""
    try:
        cluster = launch()
    except Unavailable as reason:
        pytest.skip(f"{NEEDS}Java and Kafka's jars, for a cluster of three: {reason}")
    yield cluster
    cluster.close()


@pytest.fixture
def group(kafka: Cluster, group: str, make_topic: Callable[..., str]) -> str:
    """A group whose coordinator can be killed: not on the node that is the only controller."""
    committed(kafka, group, make_topic(1))  # the first question makes the topic of the answers
    names = (f"{group}-{number}" for number in range(1000))
    return next(name for name in names if kafka.coordinator(name) != 1)


@pytest.fixture
def coordinator(kafka: Cluster, group: str) -> int:
    return kafka.coordinator(group)


@pytest.fixture
def leader(coordinator: int) -> int:
    """The one that is neither coordinator nor controller."""
    return ({2, 3} - {coordinator}).pop()


@pytest.fixture
def topic(kafka: Cluster, leader: int, group: str) -> str:
    """Not led by the coordinator: each of the two can be killed alone."""
    return kafka.create_topic_led_by([1, leader], f"topic-of-{group}", 8)


def two(member: Start, kind: Kind) -> list[Command]:
    patience = PATIENT if kind.protocol != "consumer" else ()  # there it is the broker's to set
    first = member("a", *patience, kind=kind)
    first.await_event("ready")
    second = member("b", *patience, kind=kind)
    eventually(lambda: len(held(first)) == len(held(second)) == 4, seconds=40)
    return [first, second]


def moves(service: Command) -> int:
    """How many partitions it was given or has had to give up so far."""
    return sum(len(service.events(name)) for name in ("assigned", "revoked", "lost"))


def die_and_return(
    kafka: Cluster, victim: int, moved: Callable[[], bool], journal: Journal, stream: Stream
) -> None:
    """Kill a broker; when another has its place, let it return and have its place again."""
    assert not moved()
    kafka.node(victim).kill()
    keep_writing(stream, moved)
    go_on(journal, stream)
    kafka.node(victim).start()
    go_on(journal, stream)
    kafka.restore_leaders()
    keep_writing(stream, lambda: not moved())
    go_on(journal, stream)


def finish(
    kafka: Cluster, topic: str, group: str, journal: Journal, stream: Stream,
    services: list[Command], kept: Kept,
) -> None:  # fmt: skip
    """All that was acknowledged was handled, once, in order, by members that noticed little."""
    stream.end()
    await_settled(kafka, topic, group, journal)
    assert len(places(kafka, topic)) == stream.written
    for service in services:
        assert service.running
        assert service.events("worker exited") == []
        assert len(noise(service)) < 20, noise(service)
        service.signal(SIGTERM)
    for service in services:
        service.expect(0)
    kept(twice=())


def test_one_that_leads(
    kafka: Cluster, topic: str, group: str, leader: int, coordinator: int, journal: Journal,
    member: Start, stream: Stream, kept: Kept,
) -> None:  # fmt: skip
    services = two(member, KINDS["cooperative-sticky-dynamic"])
    keep_writing(stream, lambda: journal.count() > 600)
    before = [moves(service) for service in services]
    assert sorted(kafka.leaders(topic).values()) == sorted([1, leader] * 4)
    die_and_return(
        kafka, leader, lambda: leader not in kafka.leaders(topic).values(), journal, stream
    )
    assert kafka.coordinator(group) == coordinator
    assert [moves(service) for service in services] == before
    finish(kafka, topic, group, journal, stream, services, kept)


@pytest.mark.parametrize("kind", ["cooperative-sticky-dynamic", "consumer-dynamic"])
def test_one_that_coordinates(
    kafka: Cluster, topic: str, group: str, coordinator: int, journal: Journal, member: Start,
    stream: Stream, kept: Kept, kind: str,
) -> None:  # fmt: skip
    services = two(member, KINDS[kind])
    keep_writing(stream, lambda: journal.count() > 600)
    before = [moves(service) for service in services]
    assert coordinator not in kafka.leaders(topic).values()
    die_and_return(
        kafka, coordinator, lambda: kafka.coordinator(group) != coordinator, journal, stream
    )
    assert [moves(service) for service in services] == before
    finish(kafka, topic, group, journal, stream, services, kept)
