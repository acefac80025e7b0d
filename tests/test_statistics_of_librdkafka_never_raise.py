"""What librdkafka tells of its brokers is taken as far as it can be read.

In doubt because it is read in a callback: what is raised there destroys the batch in flight.
"""

import json
from collections.abc import Mapping

import pytest
from confluent_kafka import KafkaError

from ticketpool.kafka.quiet import BrokerWatch


def told(**brokers: Mapping[str, object]) -> str:
    return json.dumps({"name": "ticketpool", "brokers": brokers})


UP = {"state": "UP", "rtt": {"avg": 4000, "cnt": 3, "p99": 9}, "throttle": {"avg": 0, "cnt": 0}}
SLOW = {"state": "UP", "rtt": {"avg": 250_500, "cnt": 1}, "throttle": {"avg": 75, "cnt": 2}}
AWAY = {"state": "DOWN", "rtt": {"avg": 0, "cnt": 0}}


@pytest.fixture
def watch() -> BrokerWatch:
    return BrokerWatch("kafka:9092")


def test_the_slowest_broker_counts(watch: BrokerWatch) -> None:
    watch.statistics(told(one=UP, two=SLOW, three=AWAY))
    assert (watch.told.rtt_ms, watch.told.throttle_ms) == (250.5, 75.0)


def test_who_has_not_answered_has_no_round_trip(watch: BrokerWatch) -> None:
    assert (watch.told.rtt_ms, watch.told.throttle_ms) == (None, None)
    watch.statistics(told(three=AWAY))
    assert (watch.told.rtt_ms, watch.told.throttle_ms) == (None, 0.0)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"brokers": 7}', '{"brokers": {"a": null}}'])
def test_what_cannot_be_read_changes_nothing(watch: BrokerWatch, text: str) -> None:
    watch.statistics(told(one=UP))
    watch.statistics(text)
    assert watch.told.rtt_ms == 4.0


def test_a_broker_that_is_up_ends_the_silence_without_a_record(watch: BrokerWatch) -> None:
    watch.error(KafkaError(KafkaError._ALL_BROKERS_DOWN))
    watch.statistics(told(one=AWAY))
    assert watch.down
    watch.statistics(told(one=AWAY, two=UP))
    assert not watch.down
