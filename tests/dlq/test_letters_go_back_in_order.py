"""``dlq replay`` writes letters back to where they came from, each once, in order per key.

In doubt because a filter leaves letters out, some can't go back, and what is done has to be
remembered for each.
"""

import json
from typing import Any

import pytest
from confluent_kafka import KafkaError

from tests.broker import Broker
from tests.dlq.conftest import Dlq
from tests.dlq.letters import Died, bury, told
from tests.run.topics import Raw, read, write
from tests.support import eventually
from ticketpool.config import KafkaConfig
from ticketpool.core.selection import Selection
from ticketpool.dlq.order import Order, Outcome
from ticketpool.dlq.pace import Pace
from ticketpool.dlq.replay import Replay
from ticketpool.errors import BrokerUnreachable, NotAuthorised, NotDelivered
from ticketpool.kafka import replayer

pytestmark = pytest.mark.e2e


def replayed(
    kafka: Broker, origin: str, selection: Selection | None = None, **given: Any
) -> Outcome:
    """As ``dlq replay`` does it."""
    order = Order(
        topics=(f"{origin}.dlq",),
        group="ticket-processor-group",
        progress=f"{origin}.progress",
        selection=selection or Selection(),
        **given,
    )
    return Replay(KafkaConfig(bootstrap_servers=kafka.bootstrap), order, lambda: 0).run()


def values(kafka: Broker, topic: str, partition: int | None = None) -> list[bytes | None]:
    return [one.value() for one in read(kafka, topic) if partition in (None, one.partition())]


def test_a_letter_goes_back_as_it_was_and_says_so(kafka: Broker, dlq: Dlq, origin: str) -> None:
    header = ("who", b"me")
    dead = [Died(b"a", origin=1, extra=(header,)), Died(None), Died(b"c", key=None, origin=1)]
    bury(kafka, origin, dead)
    dry = json.loads(dlq("replay", origin, "--dry-run", "--json").expect(0).stdout)
    assert (dry["replayed"], dry["to"]) == (3, {origin: 3})
    assert read(kafka, origin) == []
    done = dlq("replay", origin).expect(0).stdout
    assert f"3 letters replayed: {origin} 3" in done
    tombstone, first, second = sorted(read(kafka, origin), key=lambda one: one.value() or b"")
    assert (first.partition(), first.key(), first.value()) == (1, b"k", b"a")
    assert told(first) == {
        "who": b"me",
        "ticketpool-replays": b"1",
        "ticketpool-first-offset": b"100",
        "ticketpool-first-timestamp": b"1709208000123",
    }
    assert (second.partition(), second.key(), second.value()) == (1, None, b"c")
    assert (tombstone.partition(), tombstone.key(), tombstone.value()) == (0, b"k", None)
    assert dlq("list", origin).expect(0).stdout.count("✓ replayed") == 3
    again = json.loads(dlq("replay", origin, "--json").expect(0).stdout)
    assert (again["replayed"], again["ok"], len(read(kafka, origin))) == (0, True, 3)


def test_filters_leave_the_others_for_later(kafka: Broker, origin: str) -> None:
    kinds = ["Reject", "ValueError", "TimeoutError"]
    bury(kafka, origin, [Died(b"%d" % n, error=kinds[n % 3], partition=n % 2) for n in range(60)])
    assert replayed(kafka, origin, Selection(reason="Reject")).replayed == 20
    assert replayed(kafka, origin, Selection(reason="timeout")).replayed == 20
    last = replayed(kafka, origin)
    assert (last.replayed, last.before) == (20, 40 - 2)  # the first of each partition are passed
    assert sorted(int(value or b"") for value in values(kafka, origin)) == list(range(60))


def test_what_was_replayed_too_often_stays_with_all_behind_it(
    kafka: Broker, dlq: Dlq, origin: str
) -> None:
    dead = [Died(b"1", replays=3), Died(b"2", key=b"other"), Died(b"3"), Died(b"4", error="Parked")]
    bury(kafka, origin, dead)
    first = dlq("replay", origin).expect(7)
    assert values(kafka, origin) == [b"2"]
    assert "0:0 stays: it was replayed 3 times already (--max-replays)" in first.stdout
    assert "0:2 stays: one of its key stays before it" in first.stdout
    assert "3 letters not replayed" in first.stderr
    dlq("replay", origin, "--max-replays", "4").expect(0)
    assert values(kafka, origin) == [b"2", b"1", b"3", b"4"]
    replays = [told(one)["ticketpool-replays"] for one in read(kafka, origin)]
    assert replays == [b"1", b"4", b"1", b"0"]  # what was parked has not been tried


def test_what_can_t_go_back_is_told_and_stays(kafka: Broker, make_topic: Any) -> None:
    origin = make_topic(2, max_message_bytes="5000")
    kafka.create_topic(f"{origin}.dlq", 2)
    write(kafka, f"{origin}.dlq", [Raw(0, b"stranger")])
    bury(kafka, "no-such-topic", [Died(b"lost"), Died(b"behind")], dlq=f"{origin}.dlq")
    bury(kafka, origin, [Died(b"x" * 5_000), Died(b"too late"), Died(b"fine", key=None)])
    bury(kafka, origin, [Died(b"theirs", group="another", key=None)])
    bury(kafka, origin, [Died(b"elsewhere", origin=7, key=b"z")])
    outcome = replayed(kafka, origin)
    assert (outcome.foreign, outcome.others, outcome.replayed) == (1, 1, 2)
    assert not outcome.ok
    assert outcome.stayed == {
        "there is no topic 'no-such-topic' any more": 1,
        f"it is too large for topic {origin!r} (max.message.bytes)": 1,
        "one of its key stays before it": 2,
    }
    assert outcome.next == {f"{origin}.dlq[0]": 1, f"{origin}.dlq[1]": 0}
    assert sorted(map(bytes, filter(None, values(kafka, origin)))) == [b"elsewhere", b"fine"]
    (moved,) = [one for one in read(kafka, origin) if one.value() == b"elsewhere"]
    assert "ticketpool-first-offset" not in told(moved)  # it means nothing in this partition


def test_single_letters_and_a_pace(kafka: Broker, origin: str) -> None:
    bury(kafka, origin, [Died(b"%d" % n) for n in range(30)])
    places = frozenset((0, offset) for offset in range(3, 25))
    outcome = replayed(kafka, origin, Selection(places=places), rate=20.0)
    assert values(kafka, origin) == [b"%d" % n for n in range(3, 25)]
    assert 1.0 < outcome.seconds < 5.0


def test_the_pace_is_even_and_catches_nothing_up() -> None:
    now = [0.0]
    pace = Pace(10.0, lambda: now[0])
    pace.next()
    assert pace.left() == pytest.approx(0.1)
    now[0] = 5.0
    pace.next()
    pace.next()
    assert pace.left() == pytest.approx(0.1)
    assert Pace(0.0, lambda: now[0]).left() == 0.0


def test_a_letter_that_its_topic_refuses_stops_it_and_the_others_are_remembered(
    kafka: Broker, make_topic: Any
) -> None:
    origin = make_topic(2)
    compacted = make_topic(1, cleanup_policy="compact")  # takes no record without a key
    kafka.create_topic(f"{origin}.dlq", 1)
    bury(kafka, origin, [Died(b"a"), Died(b"b")])
    bury(kafka, compacted, [Died(b"c", key=None)], dlq=f"{origin}.dlq")
    with pytest.raises(NotDelivered, match=f"does not take letter {origin}.dlq 0:2: ") as raised:
        replayed(kafka, origin)
    assert "2 letters were replayed and are remembered" in str(raised.value)
    with pytest.raises(NotDelivered):  # it is not forgotten
        replayed(kafka, origin, Selection(topics=(compacted,)))
    bury(kafka, origin, [Died(b"d")])
    assert replayed(kafka, origin, Selection(topics=(origin,))).replayed == 1
    assert values(kafka, origin) == [b"a", b"b", b"d"]


def test_a_broker_that_is_silent_stops_it(
    kafka: Broker, monkeypatch: pytest.MonkeyPatch, topic: str
) -> None:
    monkeypatch.setattr(replayer, "STUCK_SECONDS", 0.5)
    nobody = KafkaConfig(bootstrap_servers="127.0.0.1:1", properties={"log_level": "0"})
    writer = replayer.Replayer(nobody)
    writer.send(topic, 0, b"k", b"v", (), lambda: pytest.fail("it counts as written"), "l")

    def given_up() -> bool:
        writer.tend(0.1)
        return writer.failure is not None

    eventually(given_up)
    assert isinstance(writer.failure, BrokerUnreachable)
    writer.drop()
    assert not writer.waiting


def test_without_the_right_to_write_the_message_names_the_topic(kafka: Broker) -> None:
    writer = replayer.Replayer(KafkaConfig(bootstrap_servers=kafka.bootstrap))
    denied = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    writer._reported("orders", "l", denied, lambda: pytest.fail("it counts as written"))
    assert isinstance(writer.failure, NotAuthorised)
    assert "we may not write to topic 'orders'" in str(writer.failure)
    writer.drop()
