"""However a replay ends, the next one goes on: each letter is written, each key in its order.

In doubt because what was written and what is remembered are two facts, and SIGKILL comes in
between.
"""

import json
import random
from contextlib import closing
from itertools import groupby
from signal import SIGINT, SIGKILL

import pytest
from confluent_kafka import Consumer, Message

from tests.broker import Broker
from tests.dlq.conftest import Dlq
from tests.dlq.letters import Died, bury
from tests.run.topics import ends, read
from tests.support import eventually
from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition
from ticketpool.errors import ConfigError, TicketpoolError
from ticketpool.kafka.progress import Progress

pytestmark = pytest.mark.e2e

LETTERS, KEYS = 1_500, 40


def written(kafka: Broker, origin: str) -> int:
    return sum(ends(kafka, origin).values())


def await_written(kafka: Broker, origin: str, enough: int) -> None:
    eventually(lambda: written(kafka, origin) > enough)


def by_key(messages: list[Message]) -> dict[bytes, list[int]]:
    """The numbers of each key's records, in their order, by first appearances."""
    ordered = sorted(messages, key=lambda one: (one.key(), one.partition(), one.offset()))
    return {
        key or b"": list(dict.fromkeys(int(one.value() or b"") for one in group))
        for key, group in groupby(ordered, key=lambda one: one.key())
    }


def fill(kafka: Broker, origin: str) -> dict[bytes, list[int]]:
    """Many letters of many keys; what has to come of each key."""
    keys = [b"key-%d" % (number % KEYS) for number in range(LETTERS)]
    bury(
        kafka,
        origin,
        [
            Died(b"%d" % number, key=key, partition=number % KEYS % 2, origin=number % KEYS % 2)
            for number, key in enumerate(keys)
        ],
    )
    return {key: [n for n in range(LETTERS) if keys[n] == key] for key in keys}


def test_kills_repeat_a_second_of_it_at_most(kafka: Broker, dlq: Dlq, origin: str) -> None:
    expected, drawn = fill(kafka, origin), random.Random(7)
    for _ in range(3):
        one = dlq("replay", origin, "--rate", "300")
        enough = written(kafka, origin) + drawn.randrange(100, 200)
        await_written(kafka, origin, enough)
        one.signal(SIGKILL)
        one.wait()
    told = json.loads(dlq("replay", origin, "--json").expect(0).stdout)
    assert told["ok"] and told["replayed"] < LETTERS  # it went on, and did not begin anew
    found = read(kafka, origin)
    assert by_key(found) == expected
    assert LETTERS <= len(found) <= LETTERS + 3 * 500


def test_a_stop_in_order_repeats_nothing(kafka: Broker, dlq: Dlq, origin: str) -> None:
    expected = fill(kafka, origin)
    one = dlq("replay", origin, "--rate", "300", "--json")
    await_written(kafka, origin, 50)
    one.signal(SIGINT)
    told = json.loads(one.expect(0).stdout)
    assert (told["stopped"], told["ok"]) == (True, False)
    assert 50 < told["replayed"] < LETTERS
    assert told["replayed"] == written(kafka, origin)
    dlq("replay", origin).expect(0)
    found = read(kafka, origin)
    assert (len(found), by_key(found)) == (LETTERS, expected)


def test_two_at_a_time_are_noticed(kafka: Broker, origin: str) -> None:
    config, place = KafkaConfig(bootstrap_servers=kafka.bootstrap), Partition(f"{origin}.dlq", 0)
    one, other = Progress(config, f"{origin}.p"), Progress(config, f"{origin}.p")
    seen, also = one.load([place]), other.load([place])
    seen[place].add(0)
    seen[place].add(5)
    one.save(seen)
    also[place].add(1)
    with pytest.raises(ConfigError, match="another replay is at work"):
        other.save(also)
    again = other.load([place])[place]
    assert [offset for offset in range(9) if offset in again] == [0, 5]
    one.close()
    other.close()


def test_progress_that_the_broker_refuses_is_told_as_that(kafka: Broker, origin: str) -> None:
    config, place = KafkaConfig(bootstrap_servers=kafka.bootstrap), Partition(f"{origin}.dlq", 0)
    member = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": f"{origin}.p"})
    member.subscribe([origin])
    eventually(lambda: member.poll(0.1) is None and member.assignment())
    with closing(member), closing(Progress(config, f"{origin}.p")) as progress:
        seen = progress.load([place])
        seen[place].add(0)
        with pytest.raises(TicketpoolError, match=rf"'{origin}\.p': committing.*: Unknown member"):
            progress.save(seen)
