"""A partition that is revoked in the midst of something goes on at its new owner, and does so
again when it comes back.

In doubt because pause, back-off and unwritten dead letters are remembered per partition:
what is remembered of an earlier assignment leaves a later one paused for ever, as four
other projects have learnt (kafkaflow#581, sarama, kafka-python, faust).
"""

import time
from collections.abc import Callable
from signal import SIGTERM
from typing import Any

import pytest

from tests.broker import Broker
from tests.faults.conftest import Start
from tests.faults.judge import await_settled, held, pids_of, running_when_killed
from tests.faults.kinds import KINDS, Kind
from tests.run.journal import Journal
from tests.run.listener import Listener
from tests.run.topics import committed, raw_headers, read, tickets, write
from tests.support import Command, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(150)]

Make = Callable[..., str]
Kept = Callable[..., None]
DYNAMIC = [
    pytest.param(KINDS["cooperative-sticky-dynamic"], id="cooperative-sticky"),
    pytest.param(KINDS["range-dynamic"], id="range", marks=pytest.mark.slow),
    pytest.param(KINDS["consumer-dynamic"], id="consumer", marks=pytest.mark.slow),
]


def one_each(first: Command, second: Command) -> bool:
    return held(first) | held(second) == {0, 1} and len(held(first)) == len(held(second)) == 1


@pytest.mark.parametrize("kind", DYNAMIC)
def test_a_handler_slower_than_the_drain_is_killed_and_delivered_again(
    kafka: Broker, make_topic: Make, group: str, journal: Journal, member: Start, kept: Kept,
    kind: Kind,
) -> None:  # fmt: skip
    topic = make_topic(2)
    deeds = ["", "once sleep 90", "", ""]
    write(kafka, topic, [*tickets(0, deeds), *tickets(1, deeds)])
    options = ("--drain-timeout", "2", "--workers", "2")
    first = member("a", *options, kind=kind, of=topic)
    eventually(lambda: len(journal.entries("begin")) == 4, seconds=30)
    second = member("b", *options, kind=kind, of=topic)
    eventually(lambda: one_each(first, second), seconds=30)
    eventually(lambda: len(of(journal, second)) >= 3, seconds=10)
    (moved,) = held(second)
    assert {e.partition for e in of(journal, second)} == {moved}
    told = {event["partition"] for event in first.events("drain deadline passed")}
    assert moved in told
    if kind.incremental:  # what stays is not drained
        assert told == {moved}
        assert len(journal.of(1 - moved, "begin")) == 2
        restart_the_hanging(first, journal, 1 - moved)
    twice = running_when_killed([first, second])
    assert {place[2] for place in twice} == {1}
    await_settled(kafka, topic, group, journal)
    for service in (first, second):
        service.signal(SIGTERM)
        service.expect(0)  # the leaver was not stopped: it served on
    kept(topic, twice=(), apart=False)
    begun = [e.offset for e in journal.of(moved, "begin")]
    assert begun == [0, 1, 1, 2, 3]


def of(journal: Journal, service: Command) -> list[Any]:
    pids = pids_of(service)
    return [entry for entry in journal.entries() if entry.pid in pids]


def restart_the_hanging(service: Command, journal: Journal, partition: int) -> None:
    """End the sleep in the partition that stayed, by ending its worker."""
    pid = journal.of(partition, "begin")[-1].pid
    (worker,) = [child for child in service.children() if child.pid == pid]
    worker.kill()


@pytest.mark.parametrize("kind", DYNAMIC)
def test_a_paused_partition_that_moves_and_comes_back(
    kafka: Broker, make_topic: Make, group: str, journal: Journal, member: Start, kept: Kept,
    kind: Kind,
) -> None:  # fmt: skip
    topic = make_topic(2)
    large = "sleep 0.05".ljust(50_000)  # credit is counted in bytes too
    write(kafka, topic, [one for p in (0, 1) for one in tickets(p, [large] * 600)])
    a, b = Listener(), Listener()
    options = ("--buffer-records", "20", "--http")
    first = member("a", *options, a.address, kind=kind, of=topic)
    eventually(lambda: paused(a) == {0, 1}, seconds=30)
    second = member("b", *options, b.address, kind=kind, of=topic)
    eventually(lambda: one_each(first, second) and paused(b) == held(second), seconds=30)
    second.signal(SIGTERM)
    second.expect(0)
    eventually(lambda: held(first) == {0, 1}, seconds=30)
    await_settled(kafka, topic, group, journal)
    eventually(lambda: paused(a) == set())
    first.signal(SIGTERM)
    first.expect(0)
    kept(topic, twice=())


def paused(listener: Listener) -> set[int]:
    return {one["partition"] for one in listener.status()["partitions"] if one["paused"]}


@pytest.mark.parametrize("kind", DYNAMIC)
def test_a_retry_that_backs_off(
    kafka: Broker, make_topic: Make, group: str, journal: Journal, member: Start, kept: Kept,
    kind: Kind,
) -> None:  # fmt: skip
    """The wait ends at once, the attempts go on counting, and nothing overtakes the record."""
    topic = make_topic(2)
    deeds = ["", "raise-before 3", "", ""]
    write(kafka, topic, [*tickets(0, deeds), *tickets(1, deeds)])
    waiting = ("--backoff", "300", "--backoff-max", "300")
    first = member("a", *waiting, kind=kind, of=topic)
    eventually(lambda: len(first.events("retrying")) == 2, seconds=30)
    began = time.monotonic()
    second = member("b", "--backoff", "0.1", kind=kind, of=topic)
    eventually(lambda: one_each(first, second), seconds=30)
    (moved,) = held(second)
    eventually(lambda: len(journal.of(moved, "end")) == 4, seconds=10)
    attempts = [(e.offset, e.attempt) for e in journal.of(moved, "begin")]
    assert attempts == [(0, 1), (1, 1), (1, 2), (1, 3), (2, 1), (3, 1)]
    first.signal(SIGTERM)
    first.expect(0)
    assert time.monotonic() - began < 60
    await_settled(kafka, topic, group, journal)
    second.signal(SIGTERM)
    second.expect(0)
    kept(topic, twice=())


@pytest.mark.parametrize("kind", DYNAMIC)
def test_a_dead_letter_that_cannot_be_written_yet(
    kafka: Broker, make_topic: Make, group: str, journal: Journal, member: Start, kept: Kept,
    kind: Kind,
) -> None:  # fmt: skip
    """The offset stays before it, and the new owner rejects it again: a letter from each."""
    topic = make_topic(2)
    deeds = ["", "reject torn", "", ""]
    write(kafka, topic, [*tickets(0, deeds), *tickets(1, deeds)])
    options = ("--drain-timeout", "2", "--dead-letter-limit", "1")
    first = member("a", *options, kind=kind, of=topic)
    eventually(lambda: len(journal.entries("end")) == 6, seconds=30)
    second = member("b", *options, kind=kind, of=topic)
    eventually(lambda: one_each(first, second), seconds=30)
    eventually(lambda: committed(kafka, group, topic) == {0: 1, 1: 1})
    kafka.create_topic(f"{topic}.dlq", 1)
    torn = {(topic, 0, 1), (topic, 1, 1)}
    await_settled(kafka, topic, group, journal, without=torn)
    for service in (first, second):
        service.signal(SIGTERM)
        service.expect(0)
    behind = {(topic, p, offset) for p in (0, 1) for offset in (2, 3)}
    kept(topic, twice=behind, without=torn)
    letters = [dict(raw_headers(message)) for message in read(kafka, f"{topic}.dlq")]
    origins = [one["ticketpool-partition"] for one in letters]
    assert set(origins) == {b"0", b"1"}
    assert len(origins) <= 4
