"""The broker's disk is full, and it ends itself; with room again it is started again. Producer and
supervisors stay up, say so in few lines and go on alone; what was acknowledged is there.

In doubt because the broker dies in the midst of a write, after some answers and before others,
and what it had half written is cut off when it starts again.
"""

import time
from collections.abc import Callable, Iterator
from signal import SIGTERM

import pytest

from tests.broker import Unavailable, jars
from tests.broker.java import JavaBroker, find_java
from tests.faults.conftest import Start
from tests.faults.judge import await_settled, held, noise
from tests.run.journal import Journal
from tests.run.topics import places
from tests.support import NEEDS, Command, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(180)]

Kept = Callable[..., None]
SESSION_SECONDS = 30
DISK_MIB = 64
COUNT = 5000
GONE, BACK = "brokers unreachable, trying on", "brokers reachable again"


@pytest.fixture(scope="module")
def kafka() -> Iterator[JavaBroker]:
    """In the place of the session's broker: one with a small disk of its own."""
    try:
        broker = JavaBroker(find_java(), jars.folder(), heap_mib=384, disk_mib=DISK_MIB)
    except Unavailable as reason:
        pytest.skip(f"{NEEDS}Java and Kafka's jars, for a broker with a small disk: {reason}")
    try:
        broker.start()
        yield broker
    except Unavailable as reason:
        pytest.skip(f"{NEEDS}the right to mount a small disk for a broker: {reason}")
    finally:
        broker.close()


def two(member: Start) -> list[Command]:
    options = ["-X", f"session.timeout.ms={SESSION_SECONDS}000"]
    first = member("a", *options, handler="journal")
    first.await_event("ready")
    second = member("b", *options, handler="journal")
    eventually(lambda: len(held(first)) == len(held(second)) == 4, seconds=40)
    return [first, second]


def outage(kafka: JavaBroker, services: list[Command]) -> float:
    """Fill the disk, and make room when all have noticed; how long the broker was away."""
    kafka.fill_disk()
    kafka.await_end()
    ended = time.monotonic()
    eventually(lambda: all(service.events(GONE) for service in services), seconds=30)
    kafka.free_disk()
    kafka.start()
    return time.monotonic() - ended


def test_producer_and_supervisors_go_on(
    kafka: JavaBroker, topic: str, group: str, journal: Journal, member: Start,
    produce: Callable[..., Command], command: Callable[..., Command], kept: Kept,
) -> None:  # fmt: skip
    services = two(member)
    producer = produce(topic, "--rate", "250", "--count", str(COUNT))
    eventually(lambda: journal.count() > COUNT / 5, seconds=30)
    away = outage(kafka, services)
    back = journal.count()
    eventually(lambda: journal.count() > back, seconds=60)
    told = producer.expect(0, 90).json()
    assert (told["delivered"], told["failed"]) == (COUNT, 0)
    await_settled(kafka, topic, group, journal)
    assert len(places(kafka, topic)) == COUNT
    command("verify", "--topic", topic, "--bootstrap-servers", kafka.bootstrap).expect(0)
    for service in services:
        assert len(service.events(GONE)) == len(service.events(BACK)) == 1
        assert len(service.events("worker started")) == 2
        assert len(noise(service)) < 30, noise(service)
        service.signal(SIGTERM)
    for service in services:
        service.expect(0)
    assert len(producer.events("broker lost")) == len(producer.events("broker back")) == 1
    assert len(noise(producer)) < 30, noise(producer)
    # The journal of this handler tells of ends only; the members' own notes tell what overlapped.
    kept(twice=() if away < SESSION_SECONDS - 5 else None, apart=False)
