"""Dead letters as ``run`` writes them, put there by hand."""

from collections.abc import Iterable
from itertools import count
from typing import NamedTuple

from confluent_kafka import Message

from tests.broker import Broker
from tests.run.topics import Raw, raw_headers, write

GROUP = "ticket-processor-group"


class Died(NamedTuple):
    """What is told of a record that died. ``partition``: of the dead-letter topic."""

    value: bytes | None = b"{}"
    key: bytes | None = b"k"
    partition: int = 0
    origin: int = 0
    error: str = "ValueError"
    message: str = "no such customer"
    replays: int | None = None
    group: str = GROUP
    extra: tuple[tuple[str, bytes | None], ...] = ()


def letter(origin_topic: str, offset: int, died: Died) -> Raw:
    """The record in the dead-letter topic."""
    told = {
        "topic": origin_topic,
        "partition": str(died.origin),
        "offset": str(offset),
        "timestamp": "1709208000123",
        "group": died.group,
        "attempts": "0" if died.error == "Parked" else "6",
        "error": died.error,
        "message": died.message,
    }
    before = () if died.replays is None else (("ticketpool-replays", b"%d" % died.replays),)
    headers = (
        *died.extra,
        *before,
        *((f"ticketpool-{name}", text.encode()) for name, text in told.items()),
    )
    return Raw(died.partition, died.value, died.key, headers)


def bury(kafka: Broker, origin_topic: str, dead: Iterable[Died], dlq: str | None = None) -> None:
    """Write letters, each partition's in order; their offsets in the origin rise from 100."""
    numbers = count(100)
    write(
        kafka,
        dlq or f"{origin_topic}.dlq",
        [letter(origin_topic, next(numbers), one) for one in dead],
    )


def told(message: Message) -> dict[str, bytes | None]:
    """The headers of a record, by name."""
    return dict(raw_headers(message))
