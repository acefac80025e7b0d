"""Backlogs of an exact shape: how many tickets in which partition, in what order, saying what."""

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import msgspec
from confluent_kafka import Producer

from tests.broker import Broker
from ticketpool.core.model import Ticket

SIZE = 200
_MADE_AT = datetime(2024, 2, 29, tzinfo=UTC)

Placed = tuple[int, str]
"""(partition, the ticket's data)"""


def evenly(partitions: int, each: int, data: str = "") -> Iterator[Placed]:
    """So many tickets for each partition, one for each in turn."""
    return ((n % partitions, data) for n in range(partitions * each))


def in_turn(partitions: int, each: int, data: str = "") -> Iterator[Placed]:
    """The same, but partition 0 gets all of its tickets first, then partition 1, …"""
    return ((n // each, data) for n in range(partitions * each))


def write(
    kafka: Broker, topic: str, tickets: Iterable[Placed], *, size: int = SIZE,
    batch: int = 1_000_000, noise: bool = False, bootstrap: str | None = None,
) -> None:  # fmt: skip
    """Write them, compressed by lz4, and wait until all are acknowledged.

    Args:
        size: bytes of JSON, about: what a ticket says is filled up with spaces.
        batch: most bytes of a batch, before compression.
        bootstrap: where to, if not straight to the broker.
        noise: fill up the id with random digits instead, which halve at best.
    """
    producer = _producer(bootstrap or kafka.bootstrap, batch)
    encode = msgspec.json.Encoder().encode
    pad = max(size - 104, 0)  # what surrounds the data
    for number, (partition, data) in enumerate(tickets, 1):
        name = f"0123abcd-{number}"
        if noise:
            name += random.randbytes(max(pad - len(data), 0) // 2).hex()
        else:
            data = data.ljust(pad)
        ticket = Ticket(id=name, timestamp=_MADE_AT, order_id=number, data=data)
        _put(producer, topic, encode(ticket), partition)
    assert producer.flush(120) == 0


def write_raw(kafka: Broker, topic: str, values: Iterable[bytes], partitions: int) -> None:
    """Write raw values, one for each partition in turn, uncompressed."""
    producer = _producer(kafka.bootstrap, 1_000_000, "none")
    for number, value in enumerate(values):
        _put(producer, topic, value, number % partitions)
    assert producer.flush(120) == 0


def _producer(bootstrap: str, batch: int, compression: str = "lz4") -> Producer:
    return Producer(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            "compression.type": compression,
            "batch.size": batch,
            "linger.ms": 50,
        }
    )


def _put(producer: Producer, topic: str, value: bytes, partition: int) -> None:
    while True:
        try:
            producer.produce(topic, value, partition=partition)
            return
        except BufferError:
            producer.poll(0.01)
