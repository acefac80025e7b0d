"""What a test gives: payloads as records, a handler under a name."""

import contextlib
import itertools
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from types import ModuleType

import msgspec

from ticketpool.core.model import Partition, Record
from ticketpool.errors import ConfigError
from ticketpool.library.names import Handler

_TIMESTAMP = datetime(2024, 1, 1, tzinfo=UTC)  # the same at each run

_encode = msgspec.json.Encoder().encode
_numbers = itertools.count(1)


def records_of(tickets: Iterable[object], topic: str) -> list[Record]:
    """As they would stand in Kafka: a ``Record`` as it is, everything else in partition 0.

    Raises:
        ConfigError: a ``Record`` whose offset does not rise in its partition.
        TypeError: JSON has nothing for a payload.
    """
    ends: dict[Partition, int] = {}
    records = []
    for ticket in tickets:
        record = ticket if isinstance(ticket, Record) else _record(ticket, topic, ends)
        where = Partition(record.topic, record.partition)
        if record.offset < ends.get(where, 0):
            raise ConfigError(f"{where}: offset {record.offset} comes after a higher one")
        ends[where] = record.offset + 1
        records.append(record)
    return records


def _record(ticket: object, topic: str, ends: dict[Partition, int]) -> Record:
    offset = ends.get(Partition(topic, 0), 0)
    raw = ticket is None or isinstance(ticket, bytes)
    value = ticket if raw else _encode(ticket)
    assert value is None or isinstance(value, bytes)  # noqa: S101 - just so
    return Record(topic, 0, offset, None, value, (), _TIMESTAMP)


@contextlib.contextmanager
def named(handler: Handler) -> Iterator[str]:
    """A name under which the worker's loader finds it, also a lambda or one of the test itself."""
    if isinstance(handler, str):
        yield handler
        return
    module = ModuleType(f"given{next(_numbers)}")
    name = getattr(handler, "__name__", type(handler).__name__).strip("<>")
    setattr(module, name, handler)
    sys.modules[module.__name__] = module
    try:
        yield f"{module.__name__}:{name}"
    finally:
        del sys.modules[module.__name__]
