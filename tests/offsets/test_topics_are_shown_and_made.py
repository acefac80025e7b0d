"""``ticketpool topics`` tells what is there, and makes what is not, as planned.

In doubt because a topic that exists with other settings must neither be changed nor be believed
to be as it was asked for.
"""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from confluent_kafka.admin._acl import AclOperation
from confluent_kafka.admin._resource import ResourceType

from tests.broker import Broker
from tests.offsets.conftest import Deny
from tests.run.topics import tickets, write
from tests.support import Command
from ticketpool.cli import topics as cli_topics
from ticketpool.cli import topics_shown
from ticketpool.core.reset import Extent
from ticketpool.errors import TopicMissing
from ticketpool.kafka.topics import PartitionInfo, Setting, TopicInfo

Start = Callable[..., Command]


@pytest.fixture
def topics(command: Start, kafka: Broker) -> Start:
    """``topics(*ARGUMENTS)``."""
    return lambda *arguments: command("topics", *arguments, "--bootstrap-servers", kafka.bootstrap)


def only(told: dict[str, Any]) -> dict[str, Any]:
    (topic,) = told["topics"]
    assert isinstance(topic, dict)
    return topic


@pytest.mark.e2e
def test_what_is_there_is_shown(
    topics: Start, kafka: Broker, make_topic: Callable[..., str]
) -> None:
    topic = make_topic(2, retention_ms="3600000", segment_bytes="2097152")
    write(kafka, topic, tickets(1, [""] * 3))
    told = only(topics("--topic", topic, "--json").expect(0).json())
    assert (told["topic"], told["records"], told["troubles"]) == (topic, 3, {})
    assert [(one["start"], one["end"]) for one in told["partitions"]] == [(0, 0), (0, 3)]
    assert told["settings"]["retention.ms"] == {"value": "3600000", "own": True}
    assert told["settings"]["segment.bytes"] == {"value": "2097152", "own": True}
    assert told["settings"]["cleanup.policy"] == {"value": "delete", "own": False}
    assert "flush.ms" not in told["settings"]
    for_people = topics("--topic", topic).expect(0).stdout
    assert f"{topic}           2        3" in for_people
    assert "retention.ms         3600000  1 h       this topic" in for_people
    everything = topics().expect(0).stdout
    assert topic in everything and "__consumer_offsets" not in everything


@pytest.mark.e2e
def test_a_topic_is_made_as_planned_and_left_alone_when_it_is_there(
    topics: Start, group: str
) -> None:
    options = "-c", "retention.ms=3600000", "-c", "max.message.bytes=2000000", "--with-dead-letters"
    wanted = "create", group, "--partitions", "3", *options
    refused = topics(*wanted).expect(2)
    assert "3  default   retention.ms=3600000 " in refused.stdout
    assert "--yes" in refused.stderr
    topics("show", "--topic", group).expect(2)
    made = topics(*wanted, "--yes", "--json").expect(0).json()
    assert made["created"] == [group, f"{group}.dlq"]
    topic, letters = made["topics"]
    assert (len(topic["partitions"]), len(letters["partitions"])) == (3, 3)
    assert topic["settings"]["retention.ms"]["value"] == "3600000"
    assert not letters["settings"]["retention.ms"]["own"]
    assert letters["settings"]["max.message.bytes"]["value"] == "2000000"
    again = topics("create", group, "--partitions", "5", "--with-dead-letters").expect(0)
    assert "stays as it is" in again.stdout
    assert "nothing to do: all is there" in again.stdout
    other = "--dead-letter-topic", f"{group}-letters", "--yes", "--json"
    assert topics("create", group, "--with-dead-letters", *other).expect(0).json()["created"] == [
        f"{group}-letters"
    ]


@pytest.mark.e2e
def test_what_is_wrong_is_named(
    topics: Start, group: str, make_topic: Callable[..., str], deny: Deny
) -> None:
    create = "create", group, "--yes"
    cases = {
        (*create, "-c", "no.such=1"): (2, f"topic '{group}' can't be made: Unknown topic config"),
        (*create, "--replication", "3"): (2, "only 1 broker(s) are registered"),
        ("create", "a b", "--yes"): (2, "topic 'a b' can't be made"),
        (*create, "-c", "retention.ms"): (2, "-c 'retention.ms': write KEY=VALUE"),
        (*create, "--with-dead-letters", "--dead-letter-topic", group): (2, "is the topic itself"),
        ("--topic", "no-such"): (2, "no topic 'no-such'"),
    }
    for arguments, (code, complaint) in cases.items():
        assert complaint in topics(*arguments).expect(code).stderr
    seen = make_topic(1)
    deny(ResourceType.TOPIC, seen, AclOperation.DESCRIBE_CONFIGS)
    assert only(topics("--topic", seen, "--json").expect(0).json())["settings"] is None
    assert "no right to see them" in topics("--topic", seen).expect(0).stdout
    deny(ResourceType.BROKER, "kafka-cluster", AclOperation.CREATE)
    deny(ResourceType.TOPIC, group, AclOperation.CREATE)
    refused = topics(*create).expect(3).stderr
    assert f"topic '{group}' can't be made" in refused and "Authorization failed" in refused


def topic_of(*partitions: PartitionInfo) -> TopicInfo:
    return TopicInfo("orders", list(partitions), {"min.insync.replicas": Setting("2", True)})


def test_trouble_is_told_by_partition(capsys: pytest.CaptureFixture[str]) -> None:
    well = PartitionInfo(0, 1, [1, 2, 3], [1, 2, 3], Extent(5, 25))
    behind = PartitionInfo(1, 1, [1, 2, 3], [1, 2], Extent(0, 7))
    few = PartitionInfo(2, 1, [1, 2, 3], [1], Extent(0, 0))
    gone = PartitionInfo(3, None, [1, 2, 3], [], None)
    topic = topic_of(well, behind, few, gone)
    assert topic.troubles() == {
        "2 of 3 replicas in sync": [1],
        "1 in sync of 2 needed: can't be written": [2],
        "no leader: can't be read or written": [3],
    }
    assert topic.records == 27
    topics_shown.overview([topic])
    topics_shown.detail(topic)
    shown = capsys.readouterr().out
    assert "✗ orders partition 3: no leader: can't be read or written" in shown
    assert "3 - - - - 1, 2, 3" in " ".join(shown.replace("\N{EN DASH}", "-").split())


class Going:
    """Topics of which one is deleted between two questions."""

    def names(self) -> list[str]:
        return ["__consumer_offsets", "going", "orders"]

    def describe(self, names: Iterable[str]) -> list[TopicInfo]:
        return [topic_of() for name in names if name == "orders"]


def test_one_that_goes_meanwhile_is_missed_only_by_its_name() -> None:
    going: Any = Going()
    assert [topic.name for topic in cli_topics._found(going, (), "kafka:9092")] == ["orders"]
    with pytest.raises(TopicMissing, match="no topic 'going'"):
        cli_topics._found(going, ("going",), "kafka:9092")
