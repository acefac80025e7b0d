"""What the group's member tells of: assignments, losses, commits, ends of the log."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import msgspec
from confluent_kafka import OFFSET_BEGINNING, TopicPartition

from ticketpool.core.model import Partition
from ticketpool.core.trouble import Position


class Start(msgspec.Struct, frozen=True):
    """Where an assigned partition begins.

    Attributes:
        offset: next offset to be read, ``None`` where the log begins or ends.
        committed: whether ``offset`` is the group's commit.
        end: end offset at assignment, if it was asked for.
        memo: the metadata beside the commit.
    """

    partition: Partition
    offset: int | None
    committed: bool
    end: int | None
    memo: str = ""


Outcome = tuple[Partition, Position, str | None]
"""Of a commit: where, what, and the error or ``None``."""


class Listener(Protocol):
    """Hears of rebalances, on the thread that calls ``poll``, before it returns. May block
    for well below ``max.poll.interval.ms``; may raise: ``poll`` raises it again."""

    def waiting(self) -> None:
        """An answer takes long; called now and then before ``assigned``, to show life."""

    def assigned(self, starts: Sequence[Start]) -> None: ...
    def revoked(self, partitions: Sequence[Partition]) -> None:
        """May still commit, and must before it returns."""

    def lost(self, partitions: Sequence[Partition]) -> None:
        """May not commit: they are another member's by now."""

    def committed(self, outcomes: Sequence[Outcome]) -> None:
        """Outcome of ``commit_soon``."""

    def reached_end(self, partition: Partition, offset: int) -> None:
        """All records before ``offset`` have been returned; there are no more for now."""

    def out_of_range(self, partition: Partition, why: str) -> None:
        """The next offset is not in the log any more; nothing is read until ``restart``."""


def named(partitions: Iterable[TopicPartition]) -> list[Partition]:
    """As we name them."""
    return [Partition(p.topic, p.partition) for p in partitions]


def starts_of(starts: Iterable[Start]) -> list[TopicPartition]:
    """As the client wants them, to be assigned."""
    return [
        TopicPartition(*start.partition, OFFSET_BEGINNING if start.offset is None else start.offset)
        for start in starts
    ]


def commits_of(positions: Iterable[tuple[Partition, Position]]) -> list[TopicPartition]:
    """As the client wants them."""
    return [TopicPartition(p.topic, p.number, at.offset, at.memo) for p, at in positions]


_HEAD = 7  # bytes, "CGMDv2:"; the generation follows (rd_kafka_consumer_group_metadata_write)


def member_of(metadata: bytes) -> bytes | None:
    """A consumer's group metadata; ``None`` when it tells of no generation.

    The broker believes offsets of a transaction that name no generation, whoever owns the
    partition (GroupCoordinator, validateOffsetCommit): a supervisor that was expelled and
    has not heard of it yet would write over its successor's.

    >>> member_of(b"CGMDv2:" + (-1).to_bytes(4, "little", signed=True) + b"group")
    """
    generation = int.from_bytes(metadata[_HEAD : _HEAD + 4], sys.byteorder, signed=True)
    return metadata if metadata.startswith(b"CGMDv") and generation >= 0 else None


def outcomes_of(error: Any | None, partitions: Iterable[Any]) -> list[Outcome]:
    """What librdkafka says of a commit: an error of the whole, or one for each partition."""
    outcomes = []
    for p in partitions:
        failed = error or p.error
        position = Position(p.offset, p.metadata or "")
        outcomes.append((Partition(p.topic, p.partition), position, failed and failed.str()))
    return outcomes
