"""A single-process confluent-kafka loop: what ``ticketpool run`` is measured against.

``python bare_consumer.py BOOTSTRAP TOPIC COUNT GROUP`` reads and decodes that many
tickets as a member of the group and prints the seconds from the first to the last.
Offsets are committed in the background, of what was handled only. It keeps neither
order through failures nor anything else; it is the speed to envy.
"""

import sys
import time
from collections.abc import Callable, Sequence

import msgspec
from confluent_kafka import Consumer, Message

from ticketpool.core.model import Ticket

_BATCH = 1000


def main(bootstrap: str, topic: str, count: int, group: str) -> None:
    """Read with a handler that does nothing; print the seconds."""
    print(consume(bootstrap, topic, count, group, _nothing), flush=True)


def consume(
    bootstrap: str, topic: str, count: int, group: str, handle: Callable[[Ticket], None]
) -> float:
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


def _read(consumer: Consumer, count: int, handle: Callable[[Ticket], None]) -> float:
    decode = msgspec.json.Decoder(Ticket).decode
    began, left = 0.0, count
    while left > 0:
        records = _poll(consumer)
        began = began or time.monotonic()
        for record in records:
            handle(decode(record.value() or b""))
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


def _nothing(_: Ticket) -> None:
    pass


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
