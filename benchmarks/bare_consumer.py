"""A single-process confluent-kafka loop: what ``ticketpool run`` is measured against.

``python bare_consumer.py BOOTSTRAP TOPIC COUNT GROUP`` reads and decodes that many
tickets as a member of the group and prints the seconds from the first to the last.
It keeps neither order through failures nor anything else; it is the speed to envy.
"""

import sys
import time
from collections.abc import Sequence

import msgspec
from confluent_kafka import Consumer, Message

from ticketpool.core.model import Ticket

_BATCH = 1000


def main(bootstrap: str, topic: str, count: int, group: str) -> None:
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
    print(_read(consumer, count), flush=True)
    consumer.close()


def _read(consumer: Consumer, count: int) -> float:
    decode = msgspec.json.Decoder(Ticket).decode
    began, left = 0.0, count
    while left:
        records = _poll(consumer)
        began = began or time.monotonic()
        for record in records:
            decode(record.value() or b"")
        consumer.store_offsets(records[-1])
        left -= len(records)
    return time.monotonic() - began


def _poll(consumer: Consumer) -> Sequence[Message]:
    while (first := consumer.poll(1)) is None:
        pass
    records = [first, *consumer.consume(_BATCH - 1, 0)]
    assert not any(record.error() for record in records)
    return records


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
