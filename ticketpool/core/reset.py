"""Moving a group's offsets: what was asked for, and what it means for each partition.

Nothing is changed here: a ``Move`` is told to a person first, and made afterwards.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import msgspec

from ticketpool.core.model import Partition
from ticketpool.core.trouble import Position, in_words

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

_DURATION = re.compile(r"-(?:\d+[smhdw])+\Z", re.ASCII)
_PART = re.compile(r"(\d+)([smhdw])", re.ASCII)
_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?\Z", re.ASCII
)
_MILLISECOND = timedelta(milliseconds=1)
_MOST = 2**63 - 1  # as far as Kafka counts


class Edge(StrEnum):
    """An end of the log: its first record, or the next one to be written."""

    EARLIEST = "earliest"
    LATEST = "latest"


class Offset(NamedTuple):
    """An offset, the same in each partition."""

    number: int


class Moment(NamedTuple):
    """The first record that is not older, by milliseconds since 1970 (never negative)."""

    millis: int


Target = Edge | Offset | Moment


class Extent(NamedTuple):
    """The records that a partition holds: from ``start`` on, below ``end``."""

    start: int
    end: int

    @property
    def records(self) -> int:
        """How many offsets that is: with compaction or transactions, more than records."""
        return self.end - self.start

    def nearest(self, offset: int) -> int:
        """The offset itself, or that end of the log beyond which it lies."""
        return min(max(offset, self.start), self.end)


def target(text: str, now: datetime) -> Target:
    """What ``--to`` names: earliest, latest, an offset, a time, or a duration before ``now``.

    Raises:
        ValueError: nothing of these; the message says what to write.

    >>> from datetime import UTC
    >>> now = datetime(2026, 1, 2, 3, 0, 0, tzinfo=UTC)
    >>> target("1234", now), target("latest", now)
    (Offset(number=1234), <Edge.LATEST: 'latest'>)
    >>> target("-1h30m", now) == target("2026-01-02T01:30:00Z", now)
    True
    """
    if text in tuple(Edge):
        return Edge(text)
    if text.isascii() and text.isdigit():
        return Offset(_bounded(text))
    if _DURATION.match(text):
        return _moment(_ago(text, now))
    if found := _RFC3339.match(text):
        if found[2] is None:
            raise ValueError(f"{text!r}: has no time zone; add Z for UTC, or an offset: +02:00")
        return _moment(_parsed(text))
    raise ValueError(
        f"{text!r}: write earliest, latest, an offset (1234), a time (2026-01-02T03:04:05Z) or how "
        "long ago (-2h, -1d12h)"
    )


def _bounded(digits: str) -> int:
    number = int(digits) if len(digits) < 30 else _MOST + 1
    if number > _MOST:
        raise ValueError(f"{digits[:30]!r}: no offset is that large")
    return number


def _ago(text: str, now: datetime) -> datetime:
    try:
        return now - sum(
            (timedelta(**{UNITS[unit]: int(count)}) for count, unit in _PART.findall(text)),
            timedelta(),
        )
    except (OverflowError, ValueError):  # ValueError: more digits than int() takes
        raise ValueError(f"{text[:30]!r}: longer than the calendar is") from None


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise ValueError(f"{text!r}: no such time ({error})") from None


def _moment(time: datetime) -> Moment:
    """Kafka gives negative times a meaning of their own, so none leaves here."""
    return Moment(max((time - datetime.fromtimestamp(0, time.tzinfo)) // _MILLISECOND, 0))


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one partition.

    Attributes:
        before: the committed offset, ``None`` when there is none.
        after: what is to be committed; within ``extent``.
        skipped, repeated: records that will not be read, or that will be read again, at most
            (offsets of compacted records and of transactions' marks count); 0 without ``before``.
        notes: what a person has to know, one sentence each.
    """

    partition: Partition
    before: int | None
    after: int
    extent: Extent
    skipped: int = 0
    repeated: int = 0
    notes: tuple[str, ...] = ()
    memo: str = ""

    @property
    def changes(self) -> bool:
        """Whether anything is to be committed: an offset, or a memo is to be dropped."""
        return self.before != self.after or self.memo != ""


def move(
    wanted: Target,
    partition: Partition,
    committed: Position | None,
    extent: Extent,
    found: int | None = None,
) -> Move:
    """One partition's.

    Args:
        found: for a ``Moment``: the first record's offset that is not older; ``None``: no record
            is that young.
    """
    after, notes = _after(wanted, extent, found)
    before = None if committed is None else committed.offset
    memo = "" if committed is None else committed.memo
    read = after if before is None else extent.nearest(before)
    if before is not None and before < extent.start:
        notes.append(f"the committed offset {before} is deleted")
    if words := in_words(memo):
        notes.append(f"drops the memo: {words}")
    return Move(
        partition=partition,
        before=before,
        after=after,
        extent=extent,
        skipped=max(after - read, 0),
        repeated=max(read - after, 0),
        notes=tuple(notes),
        memo=memo,
    )


def _after(wanted: Target, extent: Extent, found: int | None) -> tuple[int, list[str]]:
    """Where to, within the log, and what is to be said of that."""
    if isinstance(wanted, Edge):
        return (extent.start if wanted is Edge.EARLIEST else extent.end), []
    if isinstance(wanted, Moment):
        if found is None:
            return extent.end, ["no record is that young: to the end"]
        return extent.nearest(found), []
    after = extent.nearest(wanted.number)
    if wanted.number < after:
        return after, [f"{wanted.number} is deleted: to the log's start"]
    if wanted.number > after:
        return after, [f"{wanted.number} is not written yet: to the log's end"]
    return after, []


class Difference(NamedTuple):
    """A partition that the broker shows at another offset than it was to have."""

    partition: Partition
    wanted: int
    committed: int | None


def differences(moves: list[Move], committed: Mapping[Partition, Position]) -> list[Difference]:
    """Those moves that ``committed``, as read back, does not show."""
    found = ((one, committed.get(one.partition)) for one in moves)
    return [
        Difference(one.partition, one.after, None if at is None else at.offset)
        for one, at in found
        if at is None or at.offset != one.after
    ]
