"""``ticketpool offsets`` tells what a group has committed, and moves it only as it was told.

In doubt because offsets that are moved wrongly lose or repeat records silently, and the broker
takes some partitions and refuses others in one answer.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from signal import SIGINT
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin._acl import AclOperation
from confluent_kafka.admin._resource import ResourceType

from tests.broker import Broker
from tests.offsets.conftest import Commit, Deny
from tests.run.topics import committed, tickets, write
from tests.support import Command, eventually
from ticketpool.cli import offsets_shown
from ticketpool.cli.tables import console, table
from ticketpool.core.trouble import Trouble, memo_of
from ticketpool.kafka.groups import Group, Member
from ticketpool.kafka.insist import insist
from ticketpool.offsets import Look

Start = Callable[..., Command]

pytestmark = pytest.mark.e2e


@pytest.fixture
def offsets(command: Start, kafka: Broker, group: str) -> Start:
    """``offsets(COMMAND, *OPTIONS)`` of this test's group."""

    def start(what: str, *options: str) -> Command:
        return command(
            "offsets", what, "--bootstrap-servers", kafka.bootstrap, "--group", group, *options
        )

    return start


def by_number(told: dict[str, Any]) -> dict[int, dict[str, Any]]:
    return {one["partition"]: one for one in told["partitions"]}


@pytest.fixture
def shop(kafka: Broker, make_topic: Callable[..., str], group: str, commit: Commit) -> str:
    """A topic of three partitions with ten records each, two of which the group has begun."""
    topic = make_topic(3)
    write(kafka, topic, [one for number in range(3) for one in tickets(number, [""] * 10)])
    commit(group, topic, {0: 4}, memo_of(Trouble(4, attempts=2)))
    commit(group, topic, {1: 10})
    return topic


def test_what_is_committed_is_shown(offsets: Start, shop: str, group: str) -> None:
    told = offsets("show", "--json").expect(0).json()
    assert (told["ok"], told["group"], told["lag"]) == (True, group, 6)
    assert (told["state"], told["protocol"], told["members"]) == ("empty", "classic", [])
    assert by_number(told)[0] == {
        "topic": shop, "partition": 0, "committed": 4, "start": 0, "end": 10, "lag": 6,
        "memo": '{"ticketpool":4,"attempts":2}',
    }  # fmt: skip
    assert sorted(by_number(told)) == [0, 1]
    whole = by_number(offsets("show", "--json", "--topic", shop).expect(0).json())
    assert (whole[2]["committed"], whole[2]["lag"], whole[2]["end"]) == (None, None, 10)
    for_people = offsets("show", "--topic", shop).expect(0).stdout
    assert "0          4      0   10    6  offset 4: 2 failed calls" in for_people
    assert "nothing committed" in for_people
    assert "lag in all: 6 records" in for_people


def test_nothing_is_changed_unasked(offsets: Start, shop: str, kafka: Broker, group: str) -> None:
    refused = offsets("reset", "--to", "earliest", "--topic", shop).expect(2)
    assert "nothing is changed" in refused.stderr and "--yes" in refused.stderr
    assert "at most 0 records skipped, 14 repeated" in refused.stdout
    asked = offsets("reset", "--to", "earliest", "--topic", shop, "--json").expect(2).json()
    assert (asked["ok"], asked["applied"]) == (False, False)
    assert committed(kafka, group, shop) == {0: 4, 1: 10}


def test_partitions_are_moved_and_read_back(
    offsets: Start, shop: str, kafka: Broker, group: str
) -> None:
    to = "--topic", shop, "--yes", "--json", "--to"
    moved = offsets("reset", *to, "7", "--partition", "0", "--partition", "2").expect(0).json()
    assert (moved["ok"], moved["applied"]) == (True, True)
    first, third = by_number(moved)[0], by_number(moved)[2]
    assert (first["from"], first["to"], first["skipped"], first["committed"]) == (4, 7, 3, 7)
    assert first["notes"] == ["drops the memo: offset 4: 2 failed calls"]
    assert (third["from"], third["to"], third["committed"]) == (None, 7, 7)
    assert committed(kafka, group, shop) == {0: 7, 1: 10, 2: 7}
    beyond = by_number(offsets("reset", *to, "5000").expect(0).json())
    assert {one["committed"] for one in beyond.values()} == {10}
    assert beyond[0]["notes"] == ["5000 is not written yet: to the log's end"]
    again = offsets("reset", "--topic", shop, "--to", "latest").expect(0)
    assert "nothing to do: every partition is there already" in again.stdout
    back = offsets("reset", "--topic", shop, "--to", "earliest", "--yes").expect(0)
    assert "✓ 3 partitions moved" in back.stdout
    assert committed(kafka, group, shop) == {}  # that is: 0


def test_a_time_is_where_its_first_record_is(
    offsets: Start, shop: str, kafka: Broker, group: str
) -> None:
    to = "--topic", shop, "--yes", "--json", "--to"
    hour_ago = by_number(offsets("reset", *to, "-1h").expect(0).json())
    assert {one["committed"] for one in hour_ago.values()} == {0}
    write(kafka, shop, tickets(0, [""]))
    future = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    none = by_number(offsets("reset", *to, future).expect(0).json())
    assert [one["committed"] for one in none.values()] == [11, 10, 10]
    assert none[0]["notes"] == ["no record is that young: to the end"]


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_an_active_group_is_refused_with_its_members(
    offsets: Start, command: Start, shop: str, kafka: Broker, group: str, protocol: str
) -> None:
    running = command(
        "run", "--bootstrap-servers", kafka.bootstrap, "--topic", shop, "--group", group,
        "--http", "off", "--workers", "1", "-X", f"group.protocol={protocol}",
    )  # fmt: skip
    running.await_event("ready")
    refused = offsets("reset", "--to", "earliest", "--topic", shop, "--yes").expect(2)
    assert f"group '{group}' is active" in refused.stderr
    assert "ticketpool at 127.0.0.1 (3 partitions)" in refused.stderr
    told = offsets("show", "--json").expect(0).json()
    assert told["protocol"] == protocol
    (member,) = told["members"]
    assert (member["client"], member["partitions"]) == ("ticketpool", 3)
    running.signal(SIGINT)
    running.expect(0)
    moved = offsets("reset", "--to", "earliest", "--topic", shop, "--yes", "--json").expect(0)
    assert {one["committed"] for one in moved.json()["partitions"]} == {0}


def test_an_open_transaction_is_waited_for(
    offsets: Start, shop: str, kafka: Broker, group: str
) -> None:
    properties = {"bootstrap.servers": kafka.bootstrap, "log_level": 0}
    consumer = Consumer({**properties, "group.id": group})
    consumer.subscribe([shop])
    eventually(lambda: consumer.poll(0.1) is None and consumer.assignment())
    producer = Producer({**properties, "transactional.id": group})
    insist(lambda: producer.init_transactions(10))
    producer.begin_transaction()
    member = consumer.consumer_group_metadata()
    insist(lambda: producer.send_offsets_to_transaction([TopicPartition(shop, 0, 9)], member, 10))
    consumer.close()
    to = "reset", "--to", "earliest", "--topic", shop, "--yes"
    refused = offsets(*to).expect(1)
    assert f"its offset of {shop} is about" in refused.stderr and "still open" in refused.stderr
    producer.abort_transaction(10)
    eventually(lambda: offsets(*to).wait() == 0)


def test_a_new_group_is_set_only_when_that_is_meant(
    offsets: Start, make_topic: Callable[..., str], kafka: Broker, group: str
) -> None:
    topic = make_topic(1)
    write(kafka, topic, tickets(0, ["", ""]))
    to = "reset", "--topic", topic, "--to", "latest", "--yes"
    refused = offsets(*to).expect(2)
    assert f"no group '{group}'" in refused.stderr and "--new-group" in refused.stderr
    offsets(*to, "--new-group").expect(0)
    assert committed(kafka, group, topic) == {0: 2}
    unknown = offsets("show", "--group", "no-such-group").expect(2)
    assert "no group 'no-such-group'" in unknown.stderr


def test_what_is_wrong_is_named(
    offsets: Start, shop: str, kafka: Broker, group: str, deny: Deny
) -> None:
    to = "reset", "--yes", "--to"
    cases = {
        ("show", "--topic", "no-such"): (2, "no topic 'no-such'"),
        (*to, "latest", "--topic", "no-such"): (2, "no topic 'no-such'"),
        (*to, "latest", "--topic", shop, "--partition", "3"): (2, "has the partitions 0 to 2"),
        (*to, "tomorrow", "--topic", shop): (2, "--to 'tomorrow': write earliest"),
        (*to, "2026-01-01T00:00:00", "--topic", shop): (2, "add Z for UTC"),
    }
    for options, (code, complaint) in cases.items():
        assert complaint in offsets(*options).expect(code).stderr
    deny(ResourceType.GROUP, group, AclOperation.READ)
    told = offsets(*to, "latest", "--topic", shop).expect(3).stderr
    assert f"group '{group}' was not moved: {shop}[0]: {kafka.bootstrap} refuses it" in told
    deny(ResourceType.GROUP, group, AclOperation.DESCRIBE)
    told = offsets("show").expect(3).stderr
    assert f"group '{group}': its members" in told and "authorization failed" in told


def test_a_part_that_was_refused_is_told(
    offsets: Start, shop: str, make_topic: Callable[..., str], kafka: Broker, group: str,
    deny: Deny,
) -> None:  # fmt: skip
    other = make_topic(1)
    write(kafka, other, tickets(0, [""]))
    deny(ResourceType.TOPIC, other, AclOperation.READ)
    to = "reset", "--to", "latest", "--topic", shop, "--topic", other, "--yes"
    partly = offsets(*to, "--json").expect(3)
    assert f"was moved in part: {shop}[0], {shop}[2]; not: {other}[0]:" in partly.stderr
    assert "Topic authorization failed" in partly.stderr
    refused = [one for one in partly.json()["partitions"] if one["refused"]]
    assert [(one["topic"], one["committed"]) for one in refused] == [(other, None)]
    assert eventually(lambda: committed(kafka, group, shop) == {0: 10, 1: 10, 2: 10})


def test_a_client_s_name_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evil = Member("\x1b]0;mine\x07[red]", "10.0.0.1", None, 1)
    memo = table(["<memo"], [["\x1b[2J"]])
    offsets_shown.look(Look(Group("shop", "stable", "classic", [evil], True), []))
    console().print(memo)
    told = capsys.readouterr().out
    assert "  \\x1b]0;mine\\x07[red] at 10.0.0.1 (1 partitions)" in told
    assert "\x1b" not in told and "\x07" not in told
