"""The broker's side of the story, by confluent-kafka alone: what was written, committed, read."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.broker import Broker
from ticketpool.kafka.insist import insist

Headers = Sequence[tuple[str, bytes | None]]


class Raw(NamedTuple):
    """A record to be written as it is."""

    partition: int
    value: bytes | None
    key: bytes | None = None
    headers: Headers = ()


def ticket(data: str = "", order_id: int = 1) -> bytes:
    """A ticket's JSON; ``data`` tells the handler ``obey`` what to do."""
    fields = {"id": f"t-{order_id}", "timestamp": "2024-02-29T12:00:00.123456789Z"}
    return msgspec.json.encode(fields | {"order_id": order_id, "data": data})


def tickets(partition: int, deeds: Iterable[str]) -> list[Raw]:
    """A ticket for each deed, in one partition, with rising order_id."""
    return [Raw(partition, ticket(deed, number)) for number, deed in enumerate(deeds, 1)]


def write(kafka: Broker, topic: str, records: Iterable[Raw]) -> None:
    """Write records, in order per partition, and wait until all are acknowledged."""
    producer = Producer(
        {
            "bootstrap.servers": kafka.bootstrap,
            "enable.idempotence": True,
            "message.max.bytes": 2_000_000,
        }
    )
    for one in records:
        producer.produce(
            topic, one.value, one.key, partition=one.partition, headers=list(one.headers)
        )
    assert producer.flush(30) == 0


def _consumer(kafka: Broker, group: str) -> Consumer:
    properties = {"bootstrap.servers": kafka.bootstrap, "group.id": group, "log_level": 0}
    return Consumer({**properties, "enable.partition.eof": True, "auto.offset.reset": "earliest"})


def _partitions(consumer: Consumer, topic: str) -> list[TopicPartition]:
    found = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    return [TopicPartition(topic, number) for number in found]


def committed(kafka: Broker, group: str, topic: str) -> dict[int, int]:
    """The group's committed offsets, without joining it; those at a partition's beginning are
    left out."""
    consumer = _consumer(kafka, group)
    try:
        answers = insist(lambda: consumer.committed(_partitions(consumer, topic), timeout=10))
    finally:
        consumer.close()
    return {one.partition: one.offset for one in answers if one.offset > 0}


def ends(kafka: Broker, topic: str) -> dict[int, int]:
    """The end offsets of the partitions that are not empty."""
    consumer = _consumer(kafka, "ends")
    try:
        marks = {
            one.partition: consumer.get_watermark_offsets(one, timeout=10)[1]
            for one in _partitions(consumer, topic)
        }
    finally:
        consumer.close()
    return {partition: end for partition, end in marks.items() if end}


def read(kafka: Broker, topic: str) -> list[Message]:
    """All records of a topic up to its present end."""
    consumer, found = _consumer(kafka, "read"), []
    try:
        where = _partitions(consumer, topic)
        consumer.assign([TopicPartition(one.topic, one.partition, 0) for one in where])
        open_ends = len(where)
        while open_ends:
            message = consumer.poll(10)
            assert message is not None, f"{topic}: the broker sends nothing"
            if message.error():
                open_ends -= 1
            else:
                found.append(message)
    finally:
        consumer.close()
    return found


def places(kafka: Broker, topic: str) -> set[tuple[str, int, int]]:
    """Topic, partition and offset of every record there."""
    return {(topic, one.partition() or 0, one.offset() or 0) for one in read(kafka, topic)}


def raw_headers(message: Message) -> list[tuple[str, bytes | None]]:
    """The record's headers as they stand on the wire."""
    headers = message.headers() or []
    assert isinstance(headers, list)
    return [(name, _bytes(value)) for name, value in headers]


def _bytes(value: str | bytes | None) -> bytes | None:
    assert not isinstance(value, str)
    return value


def groups(kafka: Broker) -> set[str]:
    """Every group that the coordinator knows, empty ones too."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    return {one.group_id for one in admin.list_consumer_groups().result(10).valid}
