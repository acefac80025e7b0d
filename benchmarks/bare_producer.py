"""A bare confluent-kafka loop: what ``ticketpool produce --rate 0`` is measured against.

``python bare_producer.py BOOTSTRAP TOPIC COUNT SLOT`` connects, prints "ready",
waits for a line on standard input, writes its tickets, encoded by msgspec and
with delivery reports counted, and prints how many were delivered and the
monotonic times of its start and end.
"""

import sys
import time
from datetime import UTC, datetime
from typing import Any

import msgspec
from confluent_kafka import Producer

from ticketpool.core.model import Ticket
from ticketpool.produce.tickets import STRIDE, TEXT

KEYS = 500
_PAD = 96  # brings the JSON to about 200 bytes


def main(bootstrap: str, topic: str, count: int, slot: int) -> None:
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            "partitioner": "murmur2",
            "compression.type": "lz4",
        }
    )
    producer.list_topics(topic)
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.monotonic()
    delivered = _write(producer, topic, count, slot)
    print(delivered, began, time.monotonic(), flush=True)


def _write(producer: Producer, topic: str, count: int, slot: int) -> int:
    delivered = 0

    def report(error: Any, _: Any) -> None:
        nonlocal delivered
        delivered += error is None

    keys = [b"key-%d" % key for key in range(slot, KEYS, 2)]
    encode, text = msgspec.json.Encoder().encode, TEXT * 3
    for n in range(count):
        start = n * STRIDE % len(TEXT)
        ticket = Ticket(
            id=f"0123abcd-{n}",
            timestamp=datetime.now(UTC),
            order_id=n,
            data=text[start : start + _PAD],
        )
        value, key = encode(ticket), keys[n % len(keys)]
        while True:
            try:
                producer.produce(topic, value, key, on_delivery=report)
                break
            except BufferError:
                producer.poll(0.01)
        if n % 256 == 0:
            producer.poll(0)
    producer.flush(60)
    return delivered


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
