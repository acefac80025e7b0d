"""What was polled, cut into runs by partition. Pure."""

from collections.abc import Iterator, Sequence
from itertools import compress, islice
from operator import ne
from typing import Any

from ticketpool.core.model import Partition, RawRecord


def group(
    records: Sequence[RawRecord], topic: str | None = None
) -> Iterator[tuple[Partition, Sequence[RawRecord]]]:
    """Runs of records of one partition, in the order read; the records are of one class.

    ``topic``: that of all of them, when only one is read. Batches come from librdkafka in long
    runs, so this costs tens of nanoseconds per record and one slice per run."""
    if not records:
        return
    kind = type(records[0])  # its methods, called by map: the loop over records is C's
    numbers: list[Any] = list(map(kind.partition, records))
    topics: list[Any] = [topic] if topic is not None else list(map(kind.topic, records))
    one = topics.count(topics[0]) == len(topics)
    start = 0
    for end in _ends(numbers if one else list(zip(topics, numbers, strict=True))):
        yield Partition(topics[0 if one else start], numbers[start]), records[start:end]
        start = end


def _ends(values: list[Any]) -> list[int]:
    """Where each run of equal values ends."""
    size = len(values)
    if values.count(values[0]) == size:  # most batches are a single run
        return [size]
    return [*compress(range(1, size), map(ne, values, islice(values, 1, None))), size]
