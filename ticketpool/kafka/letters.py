"""Dead letters, read back: the newest few, or a single one. All of them: ``Reader``."""

import heapq
import time
from collections.abc import Iterable, Mapping
from contextlib import closing

from ticketpool.config import KafkaConfig
from ticketpool.core.letter import Letter, letter_of
from ticketpool.core.model import Partition
from ticketpool.kafka.reader import Narrow, Reader, Span

_PER_LETTER = 2  # offsets: the end of a transaction takes one, too
_FURTHER = 4  # how much further back each look goes than the one before
MOST_SECONDS = 10.0
"""``newest`` returns what it has after so long."""


def newest(
    kafka: KafkaConfig,
    topics: Iterable[str],
    limit: int,
    before: Mapping[Partition, int] | None = None,
) -> list[Letter]:
    """The letters of these dead-letter topics that were written last, the newest first.

    Reads the last records of each partition only. Blocks, while the cluster answers for
    little longer than ``MOST_SECONDS``. Joins no group and commits nothing.

    Args:
        limit: how many at most.
        before: to turn the page: of each partition that is named, only letters below this
            offset (the lowest that was shown of it); the others from their ends.

    Raises:
        BrokerUnreachable, NotAuthorised, TopicMissing, ConfigError.
    """
    topics, deadline = tuple(topics), time.monotonic() + MOST_SECONDS
    depth = limit * _PER_LETTER
    while True:
        tail = _Tail(before or {}, depth)
        with closing(Reader(kafka, topics, tail.narrow)) as reader:
            found = _last(reader, limit, deadline)
        if len(found) >= limit or not tail.cut or time.monotonic() > deadline:
            return found
        depth *= _FURTHER


class _Tail:
    """The last offsets of each partition. ``cut``: some partition holds more."""

    def __init__(self, before: Mapping[Partition, int], depth: int) -> None:
        self._before, self._depth = before, depth
        self.cut = False

    def narrow(self, place: Partition, span: Span) -> Span:
        high = min(span.high, self._before.get(place, span.high))
        low = max(span.low, high - self._depth)
        self.cut = self.cut or low > span.low
        return Span(low, high)


def _last(reader: Reader, limit: int, deadline: float) -> list[Letter]:
    kept: list[Letter] = []
    for records in reader.batches():
        kept = heapq.nlargest(limit, [*kept, *map(letter_of, records)], key=age)
        if time.monotonic() > deadline:
            break
    return kept


def age(letter: Letter) -> tuple[int, int, int]:
    """Rises with the time at which letters were written; those of a partition in their order,
    as long as its clock has not stepped back."""
    return letter.written_ms, letter.offset, letter.partition


def letter_at(kafka: KafkaConfig, topic: str, partition: int, offset: int) -> Letter | None:
    """The letter that stands there; ``None`` when there is none.

    Raises:
        BrokerUnreachable, NotAuthorised, TopicMissing, ConfigError.
    """
    with closing(Reader(kafka, [topic], _only(Partition(topic, partition), offset))) as reader:
        for records in reader.batches():
            for record in records:
                return letter_of(record)
    return None


def _only(place: Partition, offset: int) -> Narrow:
    def narrow(other: Partition, span: Span) -> Span:
        inside = other == place and span.low <= offset < span.high
        return Span(offset, offset + 1) if inside else Span(0, 0)

    return narrow
