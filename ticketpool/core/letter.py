"""A dead letter as it is read back from its topic: the record, and why it is there."""

from collections.abc import Mapping, Sequence

import msgspec

from ticketpool.core.model import Partition, RawRecord

Headers = tuple[tuple[str, bytes | None], ...]

TOPIC, PARTITION, OFFSET = "ticketpool-topic", "ticketpool-partition", "ticketpool-offset"
TIMESTAMP, GROUP = "ticketpool-timestamp", "ticketpool-group"
ATTEMPTS, ERROR, MESSAGE = "ticketpool-attempts", "ticketpool-error", "ticketpool-message"
REPLAYS = "ticketpool-replays"
FIRST_OFFSET, FIRST_TIMESTAMP = "ticketpool-first-offset", "ticketpool-first-timestamp"
FOLLOWS = "ticketpool-follows"

_REASON = {TOPIC, PARTITION, OFFSET, TIMESTAMP, GROUP, ATTEMPTS, ERROR, MESSAGE}
OURS = frozenset(_REASON | {REPLAYS, FIRST_OFFSET, FIRST_TIMESTAMP, FOLLOWS})
"""Headers that tell why a letter is there, and how often it was replayed."""

PARKED = "Parked"
"""The error of a letter that nobody has called a handler with: it follows one of its key."""

_INT64_MAX = 2**63 - 1


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One record of a dead-letter topic.

    Attributes:
        topic, partition, offset: where the letter stands.
        written_ms: when it was written, in milliseconds since 1970.
        key, value, headers: of the record as it was, without the headers that tell the reason.
        origin_topic, origin_partition, origin_offset: where the record came from; ``None`` when
            the headers do not tell, as of a record that somebody else has put there.
        origin_ms: the record's own timestamp.
        group: whose dead letter it is.
        attempts: calls that were made with it.
        error, message: the class of what was raised last, and its text.
        replays: how often it was replayed before it came here (again).
        first_offset, first_ms: where, in its partition, and when it was produced first, before
            any replay; ``origin_offset`` and ``origin_ms`` where there was none.
        follows: with ``--park-keys``: the ``first_offset`` of the record of its key that has to
            be handled before it; ``None``: none has.
    """

    topic: str
    partition: int
    offset: int
    written_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    origin_topic: str | None = None
    origin_partition: int | None = None
    origin_offset: int | None = None
    origin_ms: int | None = None
    group: str | None = None
    attempts: int | None = None
    error: str = ""
    message: str = ""
    replays: int = 0
    first_offset: int | None = None
    first_ms: int | None = None
    follows: int | None = None

    @property
    def parked(self) -> bool:
        """Whether it was never tried: it follows another one of its key."""
        return self.error == PARKED and self.attempts == 0

    @property
    def reason(self) -> str:
        """Error and message, for people."""
        return ": ".join(text for text in (self.error, self.message) if text)


class LettersQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What a person who looks through dead letters asks for: the newest of those named.

    Attributes:
        topics: dead-letter topics; one that does not exist holds no letters.
        partition: of these topics, that one only; ``None``: all.
        before: to turn the page: of each partition that is named, only letters below this
            offset (the lowest that was shown of it); the others from their ends.
        limit: at most so many, over all partitions, by the time of their writing.
    """

    topics: tuple[str, ...]
    partition: int | None = None
    before: dict[Partition, int] = {}
    limit: int = 20


def letter_of(record: RawRecord) -> Letter:
    """The letter that a record of a dead-letter topic is.

    Anybody may write there: a header of ours that is missing, or is no number where one
    belongs, is told as ``None``. Where a name stands twice, the last counts: a record that
    died twice has both, and ours were added last. Never raises.
    """
    headers, ours = _parted(record.headers() or ())
    origin_offset, origin_ms = _number(ours, OFFSET), _number(ours, TIMESTAMP)
    return Letter(
        topic=record.topic() or "",
        partition=record.partition() or 0,
        offset=record.offset() or 0,
        written_ms=record.timestamp()[1],
        key=record.key(),
        value=record.value(),
        headers=headers,
        origin_topic=_text(ours, TOPIC) or None,
        origin_partition=_number(ours, PARTITION),
        origin_offset=origin_offset,
        origin_ms=origin_ms,
        group=_text(ours, GROUP) or None,
        attempts=_number(ours, ATTEMPTS),
        error=_text(ours, ERROR),
        message=_text(ours, MESSAGE),
        replays=_number(ours, REPLAYS) or 0,
        first_offset=_or(_number(ours, FIRST_OFFSET), origin_offset),
        first_ms=_or(_number(ours, FIRST_TIMESTAMP), origin_ms),
        follows=_number(ours, FOLLOWS),
    )


def _parted(
    headers: Sequence[tuple[str, bytes | None]],
) -> tuple[Headers, Mapping[str, bytes | None]]:
    """The record's own, and ours by name."""
    own = tuple(one for one in headers if one[0] not in OURS)
    return own, {name: value for name, value in headers if name in OURS}


def number_in(headers: Sequence[tuple[str, bytes | None]], name: str) -> int | None:
    """The number that the last header of that name tells, if there is one."""
    return _number({one: value for one, value in headers if one == name}, name)


def _number(ours: Mapping[str, bytes | None], name: str) -> int | None:
    value = ours.get(name) or b""
    if not value.isdigit() or len(value) > len(str(_INT64_MAX)):
        return None
    number = int(value)
    return number if number <= _INT64_MAX else None


def _text(ours: Mapping[str, bytes | None], name: str) -> str:
    return (ours.get(name) or b"").decode("utf-8", "replace")


def _or(value: int | None, other: int | None) -> int | None:
    return other if value is None else value
