"""A topic is not drained into its dead letters because a database is down, and a dead letter
that the broker refuses keeps its offset back until it is accepted.

In doubt because both look like progress: the one to the lag, the other to the log.
"""

import random
import string
from collections.abc import Callable
from signal import SIGTERM

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType

from tests.broker import Broker
from tests.faults.conftest import Start
from tests.faults.judge import await_settled
from tests.run.journal import Journal
from tests.run.topics import committed, places, raw_headers, read, tickets, write
from tests.support import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

Make = Callable[..., str]
Kept = Callable[..., None]
WAITS = "dead letter not written, the partition waits"
ONCE = ("--retries", "0")


def test_too_many_stop_the_service(
    kafka: Broker, make_topic: Make, group: str, journal: Journal, member: Start
) -> None:
    topic = make_topic(2)
    letters = kafka.create_topic(f"{topic}.dlq", 1)
    down = ["raise the database is down"] * 400
    write(kafka, topic, [*tickets(0, [""] * 30 + down), *tickets(1, [""] * 30 + down)])
    service = member("a", *ONCE, of=topic).expect(5)
    told = service.stderr.strip().splitlines()[-1]
    assert told.startswith("error: ")
    assert "--dead-letter-limit" in told
    written, done = places(kafka, letters), journal.finished()
    headers = [dict(raw_headers(one)) for one in read(kafka, letters)]
    origins = {int(one["ticketpool-offset"] or b"") for one in headers}
    assert 20 <= len(written) <= 61  # those that it takes, beside 60 fine ones; not one more
    assert all(offset >= 30 for offset in origins)
    assert sum(committed(kafka, group, topic).values()) == len(done) + len(written)


@pytest.mark.slow
def test_some_do_not(
    kafka: Broker, make_topic: Make, group: str, journal: Journal, member: Start, kept: Kept
) -> None:
    """A third of all, for long, is below the limit of a half."""
    topic = make_topic(1)
    letters = kafka.create_topic(f"{topic}.dlq", 1)
    write(kafka, topic, tickets(0, ["", "", "raise torn"] * 100))
    service = member("a", *ONCE, of=topic)
    torn = {(topic, 0, offset) for offset in range(2, 300, 3)}
    await_settled(kafka, topic, group, journal, without=torn)
    service.signal(SIGTERM)
    service.expect(0)
    assert len(read(kafka, letters)) == 100
    kept(topic, without=torn)


def test_one_that_is_too_large_waits_until_it_fits(
    kafka: Broker, make_topic: Make, group: str, journal: Journal, member: Start, kept: Kept
) -> None:
    topic = make_topic(2)
    letters = kafka.create_topic(f"{topic}.dlq", 1, max_message_bytes="5000")
    write(kafka, topic, [*tickets(0, ["", f"reject {noise(20_000)}", "", ""])])
    write(kafka, topic, tickets(1, [""] * 9))
    service = member("a", "--commit-interval", "0.1", of=topic)
    told = service.await_event(WAITS)
    assert (told["partition"], told["offset"], told["level"]) == (0, 1, "error")
    assert "large" in told["error"].lower()
    eventually(lambda: committed(kafka, group, topic) == {0: 1, 1: 9})
    set_limit(kafka, letters, 1_000_000)
    await_settled(kafka, topic, group, journal, without={(topic, 0, 1)})
    assert len(read(kafka, letters)) == 1
    assert len(service.events(WAITS)) < 8  # with back-off
    service.signal(SIGTERM)
    service.expect(0)
    kept(topic, without={(topic, 0, 1)})


def noise(size: int) -> str:
    """Text that lz4 can't make small."""
    return "".join(random.Random(1).choices(string.ascii_letters, k=size))


def set_limit(kafka: Broker, topic: str, size: int) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    entry = ConfigEntry("max.message.bytes", str(size), incremental_operation=AlterConfigOpType.SET)
    where = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin.incremental_alter_configs([where])[where].result(30)
