"""The values that users and all layers share: tickets, records, contexts."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, NamedTuple, Protocol

import msgspec

from ticketpool.core.outputs import Outbox, output
from ticketpool.core.values import SendableText

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)  # twice as fast as making one for each time
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

Headers = tuple[tuple[str, bytes | None], ...]
"""Header names and values in the order on the wire; a name may repeat."""


class Ticket(msgspec.Struct, gc=False, kw_only=True):
    """One ticket, wire-compatible with the Go struct ``{id, timestamp, order_id, data}``.

    Attributes:
        id: identity of the ticket, unique over its run.
        timestamp: RFC 3339 with an offset, up to nanoseconds on the wire;
            Python keeps microseconds (``datetime``), rounded.
        order_id: 64-bit signed integer that rises strictly per key.
        data: free text.

    Unknown fields are ignored. ``gc=False``: a ticket holds no cycles, so the
    garbage collector need not track it (msgspec, "Disabling Garbage Collection").

    >>> import msgspec
    >>> raw = b'{"id":"a","timestamp":"2024-01-02T03:04:05.123456789Z","order_id":1,"data":"x"}'
    >>> msgspec.json.decode(raw, type=Ticket).timestamp.isoformat()
    '2024-01-02T03:04:05.123457+00:00'
    """

    id: str
    timestamp: Annotated[datetime, msgspec.Meta(tz=True)]
    order_id: Annotated[int, msgspec.Meta(ge=INT64_MIN, le=INT64_MAX)]
    data: str


class Partition(NamedTuple):
    """A topic and the number of one of its partitions."""

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.number}]"


class Record(msgspec.Struct, frozen=True, gc=False):
    """One Kafka record as polled, for handlers annotated with ``Record``.

    Attributes:
        topic: topic name.
        partition: index of the partition.
        offset: position in the partition.
        key, value: raw bytes; ``None`` for a null (a null value is a tombstone).
        headers: pairs of name and raw value, in wire order.
        timestamp: the record's own time in UTC, milliseconds exact.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: datetime


class Drain:
    """Whether a lane is being closed, for all contexts of it at once."""

    __slots__ = ("begun",)

    def __init__(self) -> None:
        self.begun = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Drain)  # no part of what a context tells of its record

    def __hash__(self) -> int:
        return 0


_NO_DRAIN = Drain()


class Context(msgspec.Struct, frozen=True, gc=False):
    """What a handler's second parameter tells about the record at hand, and takes from it.

    Attributes:
        topic, partition, offset: where the record stands in Kafka.
        key: raw key, ``None`` for a null key.
        headers: pairs of name and raw value, in wire order.
        timestamp: the record's own time in UTC, milliseconds exact.
        attempt: 1 for the first call with this record, then rising.
        worker: slot of the worker process, 0 to N-1.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: Headers
    timestamp: datetime
    attempt: int
    worker: int
    _drain: Drain = _NO_DRAIN
    _outbox: Outbox = msgspec.field(default_factory=Outbox)

    @property
    def cancelled(self) -> bool:
        """Whether this partition is being given up: the service stops, another member or worker
        gets it, or it is paused.

        A handler that takes long may look at it, store what it has and raise: its record is not
        retried here and will be delivered again. What still runs after ``--drain-timeout`` is
        killed. Costs two attribute loads; an ``async`` handler is cancelled without asking.

        >>> from datetime import UTC, datetime
        >>> Context("tickets", 0, 7, None, (), datetime.now(UTC), 1, 0).cancelled
        False
        """
        return self._drain.begun

    def send(
        self,
        topic: str,
        value: object,
        *,
        key: SendableText | None = None,
        headers: Iterable[tuple[str, SendableText | None]] = (),
    ) -> None:
        """Have a record written to ``topic``, once this call has returned.

        The supervisor writes it, and commits the ticket's offset only when Kafka has
        acknowledged it. What a call that raises has sent is discarded. Records with the
        same ``key`` stand in their partition in the order of the tickets that sent them, for
        each partition that these come from. A ticket that is delivered again sends again.

        Args:
            value: bytes as they are, text as UTF-8, ``None`` as a tombstone; anything
                else as JSON (what msgspec encodes).
            key: picks the partition as Java clients do (murmur2); ``None``: any.

        Raises:
            TypeError: a value that JSON has nothing for, or a wrong key or header.
            ValueError: no legal name of a topic, or more than 32 MiB for one ticket.
            RuntimeError: the call has returned.

        >>> from datetime import UTC, datetime
        >>> context = Context("tickets", 0, 7, None, (), datetime.now(UTC), 1, 0)
        >>> context.send("totals", {"customer": 12, "total": 99.5}, key="12")
        """
        self._outbox.add(output(self.offset, topic, value, key, headers))


class Reject(Exception):
    """Raised by a handler: no retry, straight to the dead-letter topic.

    >>> raise Reject("unknown customer")
    Traceback (most recent call last):
    ...
    ticketpool.core.model.Reject: unknown customer
    """


class PartialFailure(Exception):
    """Raised by a batch handler that knows which record of its batch failed.

    The records before it count as done. It alone is retried and, if that does not help,
    dead-lettered; those behind it come again in a new batch.

    Args:
        index: of the record in the list that the handler was called with, from 0.
        error: what was wrong with it; a ``Reject`` is not retried.

    >>> raise PartialFailure(2, ValueError("no such customer"))
    Traceback (most recent call last):
    ...
    ticketpool.core.model.PartialFailure: record 2 of the batch: ValueError: no such customer
    """

    def __init__(self, index: int, error: BaseException) -> None:
        super().__init__(index, error)
        self.index = index
        self.error = error

    def __str__(self) -> str:
        return f"record {self.index} of the batch: {type(self.error).__name__}: {self.error}"


class RawRecord(Protocol):
    """What the core needs of a polled record; ``confluent_kafka.Message`` has it."""

    def topic(self) -> str | None: ...
    def partition(self) -> int | None: ...
    def offset(self) -> int | None: ...
    def key(self) -> bytes | None: ...
    def value(self) -> bytes | None: ...
    def headers(self) -> Sequence[tuple[str, bytes | None]] | None: ...
    def timestamp(self) -> tuple[int, int]: ...
    def __len__(self) -> int: ...


def from_millis(millis: int) -> datetime:
    """The UTC time of a Kafka timestamp (milliseconds since 1970, may be negative).

    Any 64-bit number may stand there; beyond the years 1 to 9999 the nearest
    time that ``datetime`` knows is returned.
    """
    try:
        return _EPOCH + millis * _MILLISECOND
    except OverflowError:
        return _FIRST if millis < 0 else _LAST
