"""A single-process confluent-kafka loop: what ``ticketpool run`` is measured against.

``python bare_consumer.py BOOTSTRAP TOPIC COUNT GROUP [HANDLER]`` reads and decodes that
many tickets as a member of the group, calls the benchmarks' handler of that name for
each, if one is given, and prints the seconds from the first to the last. Offsets are
committed in the background, of what was handled only. It keeps neither order through
failures nor anything else; it is the speed to envy.
"""

import importlib
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, get_type_hints

import msgspec
from confluent_kafka import Consumer, Message

from ticketpool.core.model import Ticket

_BATCH = 1000

Handle = Callable[[bytes], Any]


def main(bootstrap: str, topic: str, count: int, group: str, *handler: str) -> None:
    """Read with that handler; print the seconds."""
    print(consume(bootstrap, topic, count, group, _decoding(*handler)), flush=True)


def consume(bootstrap: str, topic: str, count: int, group: str, handle: Handle) -> float:
    """The seconds from the first record to the last; what was handled is committed then."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.offset.store": False,
            "fetch.queue.backoff.ms": 10,  # without it the loop is several times slower
        }
    )
    consumer.subscribe([topic])
    seconds = _read(consumer, count, handle)
    consumer.close()  # commits what is stored
    return seconds


def decoding(handle: Callable[[Ticket], Any]) -> Handle:
    """A handler of tickets as one of values."""
    decode = msgspec.json.Decoder(Ticket).decode
    return lambda value: handle(decode(value))


def _decoding(name: str | None = None) -> Handle:
    """What is done with each value: the ticket's decoding, then the handler."""
    if name is None:
        return msgspec.json.Decoder(Ticket).decode
    handle = getattr(importlib.import_module("handlers"), name)
    takes_values = bytes in get_type_hints(handle).values()
    return handle if takes_values else decoding(handle)


def _read(consumer: Consumer, count: int, handle: Handle) -> float:
    began, left = 0.0, count
    while left > 0:
        records = _poll(consumer)
        began = began or time.monotonic()
        for record in records:
            handle(record.value() or b"")
        _store(consumer, records)
        left -= len(records)
    return time.monotonic() - began


def _store(consumer: Consumer, records: Sequence[Message]) -> None:
    """For the next commit: past the last record of each partition in the batch."""
    for last in {record.partition(): record for record in records}.values():
        consumer.store_offsets(last)


def _poll(consumer: Consumer) -> Sequence[Message]:
    while (first := consumer.poll(1)) is None:
        pass
    records = [first, *consumer.consume(_BATCH - 1, 0)]
    assert not any(record.error() for record in records)
    return records


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
