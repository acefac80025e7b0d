"""However partitions, workers, topics and supervisors are in number, all is served in order.

In doubt because lanes share a worker, workers may have none, and partitions move
between supervisors in the middle of their records.
"""

from collections.abc import Callable
from signal import SIGTERM

import pytest

from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.journal import Entry, Journal, assert_in_order
from tests.run.topics import committed, ends, places, tickets, write
from tests.support import Command, eventually

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(("partitions", "workers"), [(7, 3), (2, 4), (1, 1)])
def test_any_number_of_partitions_on_any_number_of_workers(
    kafka: Broker, make_topic: Callable[..., str], group: str, run: Run, journal: Journal,
    partitions: int, workers: int,
) -> None:  # fmt: skip
    topic = make_topic(partitions)
    for number in range(partitions):
        write(kafka, topic, tickets(number, [""] * 500))
    service = run("journal", topic, "--workers", str(workers), "--until-caught-up", "--json")
    told = service.expect(0).json()
    assert (told["processed"], told["partitions"]) == (500 * partitions, partitions)
    assert_once(kafka, group, journal, topic)
    served = {(entry.partition, entry.pid) for entry in journal.entries()}
    assert len(served) == partitions  # each by one process from first to last
    assert len({pid for _, pid in served}) == min(partitions, workers)


def test_several_topics_in_one_service(
    kafka: Broker, make_topic: Callable[..., str], group: str, run: Run, journal: Journal
) -> None:
    topics = [make_topic(3), make_topic(2)]
    for topic in topics:
        write(kafka, topic, [one for p in range(2) for one in tickets(p, [""] * 300)])
    more = ("--topic", topics[1], "--workers", "2", "--until-caught-up", "--json")
    told = run("journal", topics[0], *more).expect(0).json()
    assert (told["processed"], told["partitions"]) == (1200, 5)
    assert_once(kafka, group, journal, *topics)


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("assignor", ["cooperative-sticky", "range"])
def test_partitions_move_to_a_second_supervisor_and_from_the_first(
    kafka: Broker, topic: str, group: str, run: Run, journal: Journal,
    produce: Callable[..., Command], assignor: str,
) -> None:  # fmt: skip
    options = ("--workers", "2", "--assignor", assignor)
    first = run("journal", topic, *options)
    first.await_event("ready")
    producer = produce(topic, "--rate", "300", "--duration", "15")
    eventually(lambda: journal.count() > 300)
    second = run("journal", topic, *options)
    second.await_event("ready")
    eventually(lambda: held(first) & held(second) == set() and len(held(second)) == 4, seconds=30)
    at = journal.count()
    eventually(lambda: journal.count() > at + 300)
    first.signal(SIGTERM)
    first.expect(0)
    eventually(lambda: len(held(second)) == 8, seconds=30)
    total = producer.expect(0).json()["delivered"]
    eventually(lambda: journal.count() >= total, seconds=30)
    second.signal(SIGTERM)
    second.expect(0)
    assert_once(kafka, group, journal, topic)
    assert_both_served(journal.entries())


def held(service: Command) -> set[int]:
    """The partitions that the service holds, by its log."""
    found: set[int] = set()
    for event in service.events():
        if event.get("event") == "assigned":
            found.add(event["partition"])
        elif event.get("event") in ("revoked", "lost"):
            found.discard(event["partition"])
    return found


def assert_both_served(entries: list[Entry]) -> None:
    """Some partition was served by two supervisors, one after the other."""
    pids: dict[int, list[int]] = {}
    for entry in entries:
        served = pids.setdefault(entry.partition, [entry.pid])
        if served[-1] != entry.pid:
            served.append(entry.pid)
    assert max(map(len, pids.values())) >= 2
    assert all(len(served) == len(set(served)) for served in pids.values())


def assert_once(kafka: Broker, group: str, journal: Journal, *topics: str) -> None:
    """Every record of the topics once, in order, all committed."""
    entries = journal.entries()
    finished = [entry.place for entry in entries]
    assert len(finished) == len(set(finished))
    assert set(finished) == set().union(*(places(kafka, topic) for topic in topics))
    assert_in_order(entries)
    for topic in topics:
        assert committed(kafka, group, topic) == ends(kafka, topic)
