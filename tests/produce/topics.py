"""Reading back what a producer wrote."""

from collections import defaultdict
from typing import NamedTuple

import msgspec

from ticketpool.config import KafkaConfig
from ticketpool.core.model import Ticket
from ticketpool.kafka.reader import Reader


class Written(NamedTuple):
    """A ticket as it stands in the topic."""

    partition: int
    key: bytes
    ticket: Ticket


def read(bootstrap: str, topic: str) -> list[Written]:
    """All tickets of a topic, in order per partition."""
    reader = Reader(KafkaConfig(bootstrap_servers=bootstrap), [topic])
    return [
        Written(
            record.partition() or 0,
            record.key() or b"",
            msgspec.json.decode(record.value() or b"", type=Ticket),
        )
        for batch in reader.batches()
        for record in batch
    ]


def order_ids_by_key(written: list[Written]) -> dict[bytes, list[int]]:
    """The order_ids of each key, as they stand in the topic."""
    found: dict[bytes, list[int]] = defaultdict(list)
    for each in written:
        found[each.key].append(each.ticket.order_id)
    return dict(found)


def assert_exact(written: list[Written], *, keys: int) -> None:
    """order_ids 1 to N once each, rising per key; each key in one partition, and the key
    that the schedule gives to the number."""
    assert sorted(w.ticket.order_id for w in written) == list(range(1, len(written) + 1))
    by_key = order_ids_by_key(written)
    assert all(ids == sorted(ids) for ids in by_key.values())
    for key, ids in by_key.items():
        assert {b"key-%d" % ((order_id - 1) % keys) for order_id in ids} == {key}
        assert len({w.partition for w in written if w.key == key}) == 1


class Raw(NamedTuple):
    """A record as it stands in the topic; ``timestamp`` in milliseconds."""

    key: bytes | None
    value: bytes
    timestamp: int


def read_raw(bootstrap: str, topic: str) -> list[Raw]:
    """All records of a topic, in order per partition."""
    reader = Reader(KafkaConfig(bootstrap_servers=bootstrap), [topic])
    return [
        Raw(record.key(), record.value() or b"", record.timestamp()[1])
        for batch in reader.batches()
        for record in batch
    ]


def values_by_key(records: list[Raw]) -> dict[bytes | None, list[bytes]]:
    """The values of each key, as they stand in the topic."""
    found: dict[bytes | None, list[bytes]] = defaultdict(list)
    for record in records:
        found[record.key].append(record.value)
    return dict(found)
