"""Offsets that hold no record, by compaction or transactions, hold nothing up.

In doubt because the end of a log may be a marker that is never delivered: a
commit would stop short of the end, and --until-caught-up would wait for ever.
"""

from collections.abc import Callable

import pytest
from confluent_kafka import Producer

from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.journal import Journal, assert_in_order
from tests.run.topics import Raw, committed, ends, places, read, ticket, tickets, write
from tests.support import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def transact(kafka: Broker, topic: str, *transactions: tuple[int, bool]) -> None:
    """Write transactions of so many tickets into partition 0; True: committed, else aborted."""
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "transactional.id": topic})
    producer.init_transactions(30)
    for count, commit in transactions:
        producer.begin_transaction()
        for number in range(count):
            producer.produce(topic, ticket("", number + 1), partition=0)
        if commit:
            producer.commit_transaction(30)
        else:
            producer.flush(30)  # else they would never be written
            producer.abort_transaction(30)


@pytest.mark.parametrize("last", [True, False], ids=["committed", "aborted"])
def test_transactions(
    kafka: Broker, make_topic: Callable[..., str], group: str, run: Run, journal: Journal,
    last: bool,
) -> None:  # fmt: skip
    topic = make_topic(2)
    transact(kafka, topic, (5, True), (3, False), (200, True), (4, last))
    written = 205 + 4 * last
    assert ends(kafka, topic) == {0: 216}  # 212 records and 4 markers
    service = run("journal", topic, "--workers", "2", "--until-caught-up", "--json")
    told = service.expect(0, 30).json()
    assert told["processed"] == written
    assert_all(kafka, topic, group, journal)
    transact(kafka, topic, (1, False))  # nothing but what is passed over
    again = run("journal", topic, "--workers", "2", "--until-caught-up", "--json")
    assert again.expect(0, 30).json()["processed"] == 0
    assert_all(kafka, topic, group, journal)


def test_a_running_service_commits_past_markers(
    kafka: Broker, make_topic: Callable[..., str], group: str, run: Run, journal: Journal
) -> None:
    topic = make_topic(1)
    service = run("journal", topic, "--workers", "1", "--commit-interval", "0.1")
    service.await_event("ready")
    transact(kafka, topic, (5, True), (3, False), (2, True))
    eventually(lambda: journal.count() == 7)
    # The last marker comes with no record; those before it were jumped over.
    eventually(lambda: committed(kafka, group, topic)[0] >= 12)


@pytest.mark.slow
def test_compaction(
    kafka: Broker, make_topic: Callable[..., str], group: str, run: Run, journal: Journal
) -> None:
    topic = make_topic(
        1, cleanup_policy="compact", segment_ms="100", min_cleanable_dirty_ratio="0.01",
        max_compaction_lag_ms="100",
    )  # fmt: skip
    for _ in range(3):  # a new segment starts with a record that comes later
        write(kafka, topic, [Raw(0, ticket("", n), b"key-%d" % (n % 7)) for n in range(1, 300)])
    eventually(lambda: len(read(kafka, topic)) < 700, seconds=90, every=1)
    write(kafka, topic, tickets_with_keys())
    service = run("journal", topic, "--workers", "1", "--until-caught-up", "--json")
    assert service.expect(0, 30).json()["processed"] == len(places(kafka, topic)) < 700
    assert_all(kafka, topic, group, journal)


def tickets_with_keys() -> list[Raw]:
    return [one._replace(key=b"last") for one in tickets(0, [""])]


def assert_all(kafka: Broker, topic: str, group: str, journal: Journal) -> None:
    """All records of the topic once, in order, and committed to the very end."""
    entries = journal.entries()
    assert [entry.place for entry in entries] == sorted(places(kafka, topic))
    assert_in_order(entries)
    assert committed(kafka, group, topic) == ends(kafka, topic)
