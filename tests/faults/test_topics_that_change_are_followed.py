"""Partitions that are added, and a topic that is deleted and made again, are read from their
start; nothing of what was remembered stands in the way.

In doubt because clients with ``latest`` skip what is written before they see the new
partition, and because offsets that go back to 0 look like a broken order.
"""

from collections.abc import Callable
from signal import SIGCONT, SIGSTOP, SIGTERM

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions

from tests.broker import Broker
from tests.faults.conftest import Start
from tests.faults.judge import held
from tests.faults.kinds import KINDS, Kind
from tests.run.journal import Journal
from tests.run.topics import committed, ends, tickets, write
from tests.support import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

OFTEN = ("-X", "topic.metadata.refresh.interval.ms=1000")
PROTOCOLS = [
    pytest.param(KINDS["cooperative-sticky-dynamic"], id="cooperative-sticky"),
    pytest.param(KINDS["consumer-dynamic"], id="consumer", marks=pytest.mark.slow),
]


def admin(kafka: Broker) -> AdminClient:
    return AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})


@pytest.mark.parametrize("kind", PROTOCOLS)
@pytest.mark.parametrize("reset", [pytest.param("earliest", marks=pytest.mark.slow), "latest"])
def test_partitions_added_later(
    kafka: Broker, make_topic: Callable[..., str], group: str, journal: Journal, member: Start,
    kept: Callable[..., None], kind: Kind, reset: str,
) -> None:  # fmt: skip
    topic = make_topic(2)
    service = member("a", *OFTEN, "--offset-reset", reset, kind=kind, of=topic)
    service.await_event("ready")
    eventually(lambda: held(service) == {0, 1})
    write(kafka, topic, [*tickets(0, [""] * 50), *tickets(1, [""] * 50)])
    service.signal(SIGSTOP)  # for well below its session: it sees them when they hold records
    client = admin(kafka)
    client.create_partitions([NewPartitions(topic, 4)])[topic].result(30)
    eventually(lambda: len(client.list_topics(topic, timeout=5).topics[topic].partitions) == 4)
    write(kafka, topic, [one for p in (2, 3) for one in tickets(p, [""] * 100)])
    service.signal(SIGCONT)
    eventually(lambda: held(service) == {0, 1, 2, 3}, seconds=30)
    eventually(lambda: committed(kafka, group, topic) == ends(kafka, topic), seconds=20)
    service.signal(SIGTERM)
    service.expect(0)
    kept(topic)


@pytest.mark.parametrize("kind", PROTOCOLS)
def test_a_topic_deleted_and_made_again(
    kafka: Broker, make_topic: Callable[..., str], group: str, journal: Journal, member: Start,
    kind: Kind,
) -> None:  # fmt: skip
    topic = make_topic(2)
    write(kafka, topic, [*tickets(0, [""] * 50), *tickets(1, [""] * 50)])
    service = member("a", *OFTEN, kind=kind, of=topic)
    eventually(lambda: committed(kafka, group, topic) == {0: 50, 1: 50}, seconds=30)
    client = admin(kafka)
    client.delete_topics([topic])[topic].result(30)
    eventually(lambda: held(service) == set(), seconds=30)
    assert service.running
    eventually(lambda: kafka.create_topic(topic, 2), seconds=30)
    write(kafka, topic, [*tickets(0, [""] * 30), *tickets(1, [""] * 30)])
    eventually(lambda: len(journal.entries("end")) == 160, seconds=30)
    eventually(lambda: committed(kafka, group, topic) == {0: 30, 1: 30}, seconds=20)
    service.signal(SIGTERM)
    service.expect(0)
    for partition in (0, 1):
        offsets = [entry.offset for entry in journal.of(partition, "end")]
        assert offsets == [*range(50), *range(30)]
