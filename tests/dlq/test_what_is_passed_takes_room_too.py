"""A replay stops before its progress fits beside no offset, also when it writes nothing itself.

In doubt because letters of other groups are passed, and that is remembered, too.
"""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.core.test_letter import Message
from ticketpool.config import KafkaConfig
from ticketpool.core.letter import GROUP, PARTITION, TOPIC
from ticketpool.core.model import Partition
from ticketpool.core.replayed import Replayed
from ticketpool.core.selection import Selection
from ticketpool.dlq import replay
from ticketpool.dlq.order import Order
from ticketpool.dlq.replay import Replay
from ticketpool.errors import ConfigError
from ticketpool.kafka.reader import Span

BROKERS_LIMIT, LETTERS = 4_096, 60_000
DLQ = Partition("shop.dlq", 0)


class Stands(Message):
    """A letter that stands at an offset, of some group."""

    def __init__(self, offset: int, group: bytes) -> None:
        super().__init__([(TOPIC, b"shop"), (PARTITION, b"0"), (GROUP, group)])
        self._offset = offset

    def topic(self) -> str | None:
        return DLQ.topic

    def partition(self) -> int | None:
        return DLQ.number

    def offset(self) -> int | None:
        return self._offset


class Reader:
    """Of a dead-letter topic that two groups share, whose letters lie there mixed."""

    spans = {DLQ: Span(0, LETTERS)}  # noqa: RUF012

    def batches(self) -> Iterator[list[Stands]]:
        drawn = random.Random(5)
        for start in range(0, LETTERS, 1000):
            numbers = range(start, start + 1000)
            yield [Stands(number, drawn.choice((b"ours", b"theirs"))) for number in numbers]

    def close(self) -> None:
        """Nothing to release."""


class Progress:
    """Keeps the longest memo."""

    longest = 0

    def __init__(self, *_: object) -> None:
        pass

    def load(self, places: list[Partition]) -> dict[Partition, Replayed]:
        return {place: Replayed() for place in places}

    def save(self, replayed: dict[Partition, Replayed]) -> None:
        Progress.longest = max(len(one.memo()) for one in replayed.values())

    def close(self) -> None:
        """Nothing to release."""


def test_a_filter_that_takes_none_of_mixed_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    def reader_of(kafka: Any, topics: Any, narrow: Any) -> Reader:
        narrow(DLQ, Span(0, LETTERS))
        return Reader()

    monkeypatch.setattr(replay, "Progress", Progress)
    monkeypatch.setattr(replay, "reader_of", reader_of)
    order = Order(
        topics=("shop.dlq",), group="ours", progress="p", selection=Selection(reason="no such")
    )
    one = Replay(KafkaConfig(), order, lambda: 0)
    with pytest.raises(ConfigError, match="too scattered among others"):
        one.run()
    assert one.outcome.others > 5_000 and one.outcome.left > 0
    assert 3_000 < Progress.longest < BROKERS_LIMIT
