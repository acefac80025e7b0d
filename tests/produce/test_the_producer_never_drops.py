"""What ``TicketProducer`` has accepted is delivered in order or told as failed; it never drops.

In doubt because librdkafka's local queue has a limit, because a callback that
raises comes out of ``poll``, and because ``flush`` says nothing of what is left.
"""

from collections.abc import Callable

import pytest

from tests.broker import Broker
from tests.support import eventually
from ticketpool.config import KafkaConfig
from ticketpool.core.model import RawRecord
from ticketpool.errors import ConfigError
from ticketpool.kafka.producer import TicketProducer
from ticketpool.kafka.reader import Reader

Produce = Callable[..., TicketProducer]


@pytest.fixture
def produce(kafka: Broker) -> Produce:
    def make(**properties: str) -> TicketProducer:
        names = {name.replace("_", "."): value for name, value in properties.items()}
        return TicketProducer(KafkaConfig(bootstrap_servers=kafka.bootstrap, properties=names))

    return make


def _stored(kafka: Broker, topic: str) -> list[RawRecord]:
    reader = Reader(KafkaConfig(bootstrap_servers=kafka.bootstrap), [topic])
    return [record for batch in reader.batches() for record in batch]


def test_produce_waits_for_room(kafka: Broker, topic: str, produce: Produce) -> None:
    producer, told = produce(queue_buffering_max_messages="10"), list[str | None]()
    for number in range(500):
        producer.produce(topic, b"%d" % number, b"one key", on_delivery=told.append)
        assert len(producer) <= 11  # and what has been reported but not been told
    assert producer.flush(30) == 0
    assert told == [None] * 500
    values = [record.value() for record in _stored(kafka, topic)]
    assert values == [b"%d" % number for number in range(500)]


def test_offer_does_not_wait(kafka: Broker, topic: str, produce: Produce) -> None:
    producer = produce(queue_buffering_max_messages="3", linger_ms="1000")
    assert [producer.offer(topic, b"x") for _ in range(5)] == [True, True, True, False, False]
    assert producer.room(10) == 0
    assert producer.flush(30) == 0
    assert len(_stored(kafka, topic)) == 3


def test_a_client_whose_records_all_time_out_is_given_up_for_a_new_one(
    kafka: Broker, topic: str
) -> None:
    """librdkafka's idempotent producer can stay stuck after a restart of the broker: in a soak
    it delivered nothing for half an hour, while the broker served everybody else."""
    config = KafkaConfig(bootstrap_servers=kafka.bootstrap)
    producer = TicketProducer(config, delivery_timeout_seconds=2.0)
    producer.produce_batch(topic, [{"value": b"before"}])
    assert producer.flush(30) == 0
    first = producer._client
    kafka.pause()
    producer.produce_batch(topic, [{"value": b"too late"}] * 3)
    eventually(lambda: producer.poll(0.01) and producer.deliveries.failures)
    producer.flush(10)
    assert producer.deliveries.failures == {"Local: Message timed out": 3}
    kafka.resume()
    assert producer.room(100) > 0
    assert producer._client is not first
    producer.produce_batch(topic, [{"value": b"after"}])
    assert producer.flush(30) == 0
    assert [record.value() for record in _stored(kafka, topic)][-1] == b"after"


def test_nothing_is_taken_while_a_client_is_given_up(kafka: Broker, topic: str) -> None:
    config = KafkaConfig(bootstrap_servers=kafka.bootstrap)
    producer = TicketProducer(config, delivery_timeout_seconds=1.0)
    kafka.pause()
    producer.produce_batch(topic, [{"value": b"first"}])
    eventually(lambda: producer.poll(0.01) and producer.deliveries.timed_out)
    producer._client.produce(topic, b"in the queue still")
    assert producer.room(100) == 0
    assert producer.offer(topic, b"x") is False
    kafka.resume()
    eventually(lambda: producer.poll(0.1) or producer.room(100) > 0)


def test_room_counts_bytes_too(produce: Produce) -> None:
    producer = produce(queue_buffering_max_kbytes="1000")
    assert producer.room(1000) == 1024
    assert producer.room(10) == 100_000
    assert producer.room(10_000_000) == 1  # librdkafka itself is to refuse it


def test_no_limit_of_records_is_no_limit(produce: Produce) -> None:
    assert produce(queue_buffering_max_messages="0").room(1) > 1_000_000


def test_value_key_and_headers_arrive_as_they_are(
    kafka: Broker, topic: str, produce: Produce
) -> None:
    producer = produce()
    headers = [("a", b"\x00\xff"), ("a", None), ("ü", b"")]
    producer.produce(topic, None, b"tombstone", headers)
    producer.produce(topic, b"", None)
    assert producer.flush(30) == 0
    found = {(r.key(), r.value(), tuple(r.headers() or ())) for r in _stored(kafka, topic)}
    assert found == {(b"tombstone", None, tuple(headers)), (None, b"", ())}


def test_a_callback_that_raises_harms_nobody(kafka: Broker, topic: str, produce: Produce) -> None:
    producer, told = produce(), list[str | None]()

    def burst(reason: str | None) -> None:
        raise RuntimeError("a bug in a callback")

    for on_delivery in (told.append, burst, told.append):
        producer.produce(topic, b"x", b"k", on_delivery=on_delivery)
    assert producer.flush(30) == 0
    assert told == [None, None]


def test_what_is_refused_at_once_is_told(topic: str, produce: Produce) -> None:
    producer, told = produce(message_max_bytes="1000"), list[str | None]()
    assert producer.offer(topic, b"x" * 2000, on_delivery=told.append)
    assert told[0] is not None
    assert "too large" in told[0]


def test_a_batch_keeps_order_and_counts_what_is_refused(
    kafka: Broker, topic: str, produce: Produce
) -> None:
    producer = produce(message_max_bytes="1000")
    values = [b"1", b"2", b"x" * 2000, b"3"]
    producer.produce_batch(topic, [{"key": b"k", "value": value} for value in values])
    assert producer.flush(30) == 0
    latencies, failures = producer.deliveries.take()
    assert len(latencies) == 3
    assert all(0 < seconds < 30 for seconds in latencies)
    assert list(failures.values()) == [1]
    assert [record.value() for record in _stored(kafka, topic)] == [b"1", b"2", b"3"]
    assert producer.deliveries.take() == ([], {})


def test_an_outage_is_told_once_and_so_is_its_end(kafka: Broker, topic: str) -> None:
    told = list[str | None]()
    config = KafkaConfig(bootstrap_servers=kafka.bootstrap)
    producer = TicketProducer(config, on_outage=told.append)
    assert producer.warm_up(topic, 10)
    kafka.stop()
    producer.produce(topic, b"x")
    eventually(lambda: producer.poll(0.1) >= 0 and told, seconds=20)
    kafka.start()
    assert producer.flush(60) == 0
    assert len(told) == 2
    assert told[0]
    assert told[1] is None


def test_warm_up_gives_up_in_time() -> None:
    assert not TicketProducer(KafkaConfig(bootstrap_servers="127.0.0.1:1")).warm_up("t", 0.3)


def test_a_wrong_property_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match=r"queue\.buffering\.max\.messages"):
        TicketProducer(KafkaConfig(properties={"queue.buffering.max.messages": "many"}))
