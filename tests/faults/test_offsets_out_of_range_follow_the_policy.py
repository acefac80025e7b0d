"""When retention deletes what was not read yet, what happens is what was chosen, and it is told.

In doubt because the client's own reset is one silent line in a log: a jump over everything
that was deleted, or to the end.
"""

from collections.abc import Callable
from signal import SIGTERM

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from tests.broker import Broker
from tests.faults.conftest import Start
from tests.run.journal import Journal
from tests.run.topics import committed, tickets, write
from tests.support import Command, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

Make = Callable[..., str]


@pytest.fixture
def topic(make_topic: Make) -> str:
    return make_topic(2)


def delete_before(kafka: Broker, topic: str, partition: int, offset: int) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    where = TopicPartition(topic, partition, offset)
    admin.delete_records([where])[where].result(30)


def ten_done_then_thirty_deleted(
    kafka: Broker, topic: str, journal: Journal, member: Start
) -> None:
    """Partition 0: 0-9 committed, 10-39 deleted, 40-49 there. Partition 1: all there."""
    write(kafka, topic, [*tickets(0, [""] * 10), *tickets(1, [""] * 10)])
    member("a", "--until-caught-up").expect(0)
    assert len(journal.entries("end")) == 20
    write(kafka, topic, [*tickets(0, [""] * 40), *tickets(1, [""] * 10)])
    delete_before(kafka, topic, 0, 40)


def done(journal: Journal, partition: int) -> list[int]:
    return [entry.offset for entry in journal.of(partition, "end")]


def stop(service: Command) -> None:
    service.signal(SIGTERM)
    service.expect(0)


def test_stop_holds_that_partition_and_says_so(
    kafka: Broker, topic: str, group: str, journal: Journal, member: Start
) -> None:
    ten_done_then_thirty_deleted(kafka, topic, journal, member)
    service = member("a")
    told = service.await_event("offset out of range")
    assert (told["level"], told["partition"], told["offset"]) == ("error", 0, 10)
    assert "--on-out-of-range" in told["setting"]
    eventually(lambda: committed(kafka, group, topic) == {0: 10, 1: 20})
    write(kafka, topic, [*tickets(0, [""] * 5), *tickets(1, [""] * 5)])
    eventually(lambda: committed(kafka, group, topic) == {0: 10, 1: 25})
    assert done(journal, 0) == list(range(10))  # nothing is passed over
    stop(service)
    assert committed(kafka, group, topic) == {0: 10, 1: 25}


@pytest.mark.parametrize(
    ("policy", "first"), [("earliest", range(40, 55)), ("latest", range(50, 55))]
)
@pytest.mark.parametrize(
    "assignor", ["cooperative-sticky", pytest.param("range", marks=pytest.mark.slow)]
)
def test_a_reset_goes_on_from_where_it_was_told_to(
    kafka: Broker, topic: str, group: str, journal: Journal, member: Start,
    policy: str, first: range, assignor: str,
) -> None:  # fmt: skip
    ten_done_then_thirty_deleted(kafka, topic, journal, member)
    service = member("a", "--on-out-of-range", policy, "--assignor", assignor)
    told = service.await_event("offset out of range")
    assert (told["partition"], told["offset"], told["policy"]) == (0, 10, policy)
    eventually(lambda: len(done(journal, 1)) == 20)
    if policy == "earliest":
        eventually(lambda: done(journal, 0)[-1] == 49)
    else:
        service.await_event("offset reset")
        eventually(lambda: committed(kafka, group, topic).get(0) == 50, seconds=20)
    write(kafka, topic, [*tickets(0, [""] * 5), *tickets(1, [""] * 5)])
    eventually(lambda: committed(kafka, group, topic) == {0: 55, 1: 25})
    assert done(journal, 0) == [*range(10), *first]
    assert done(journal, 1) == list(range(25))
    assert len(service.events("offset out of range")) == 1
    stop(service)


def test_latest_loses_nothing_between_two_starts(
    kafka: Broker, topic: str, group: str, journal: Journal, member: Start
) -> None:
    """What came before the first start is passed over; what comes while nobody serves is not,
    also in a partition where nothing has come yet."""
    write(kafka, topic, tickets(0, [""] * 10))
    service = member("a", "--offset-reset", "latest")
    service.await_event("ready")
    stop(service)
    write(kafka, topic, [*tickets(0, [""] * 10), *tickets(1, [""] * 10)])
    service = member("a", "--offset-reset", "latest")
    eventually(lambda: committed(kafka, group, topic) == {0: 20, 1: 10}, seconds=20)
    stop(service)
    assert done(journal, 0) == list(range(10, 20))
    assert done(journal, 1) == list(range(10))
