"""Where an assigned partition is begun: at its commit, or where it was told to be."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from confluent_kafka import TopicPartition

from ticketpool.config import OffsetReset
from ticketpool.core.model import Partition
from ticketpool.errors import ConfigError, TicketpoolError
from ticketpool.kafka.insist import insist_on_stable
from ticketpool.kafka.listener import Start

_RPC_SECONDS = 10.0


class Beginnings:
    """*Supervisor side.* Asks by the group's own client, on its thread; each question blocks.

    Args:
        client: the consumer.
        find_end: tell end offsets with the beginnings.
        waiting: called now and then while an answer takes long.
    """

    def __init__(
        self,
        client: Any,
        group: str,
        offset_reset: OffsetReset,
        *,
        find_end: bool,
        waiting: Callable[[], object],
    ) -> None:
        self._client, self._group = client, group
        self._offset_reset = offset_reset
        self._find_end = find_end
        self._waiting = waiting

    def of(self, partitions: list[TopicPartition], known: Mapping[str, int]) -> list[Start]:
        """Where to begin each. ``known``: partitions of each topic at the service's start.

        Raises:
            TicketpoolError: the group's offsets can't be read.
            ConfigError: there is none, and ``--offset-reset`` is ``error``.
        """
        return [self._start(found, known) for found in self._committed(partitions)]

    def _committed(self, partitions: list[TopicPartition]) -> Iterable[TopicPartition]:
        if not partitions:
            return []
        ask = partial(self._client.committed, partitions, timeout=_RPC_SECONDS)
        return insist_on_stable(ask, self._waiting)

    def _start(self, found: TopicPartition, known: Mapping[str, int]) -> Start:
        partition = Partition(found.topic, found.partition)
        if found.error is not None:
            raise TicketpoolError(f"{partition}: cannot read the committed offset: {found.error}")
        has_commit = found.offset >= 0
        return Start(
            partition,
            found.offset if has_commit else self._reset(partition, known),
            has_commit,
            self.end(partition) if self._find_end else None,
            found.metadata or "",
        )

    def _reset(self, partition: Partition, known: Mapping[str, int]) -> int | None:
        """Where a partition without a commit is begun; ``None``: where its log begins.

        The end is asked for and not left to the client, so that it can be committed:
        what comes next must not be passed over when we are started again.
        """
        if partition.number >= known.get(partition.topic, 0):
            return None  # added since we started: its first records are news
        if self._offset_reset is OffsetReset.ERROR:
            raise ConfigError(
                f"group {self._group!r} has no committed offset for {partition}; "
                "set --offset-reset earliest or latest"
            )
        return self.end(partition) if self._offset_reset is OffsetReset.LATEST else None

    def end(self, partition: Partition) -> int:
        """The end of its log, now."""
        at = TopicPartition(partition.topic, partition.number)
        _, high = self._client.get_watermark_offsets(at, timeout=_RPC_SECONDS)
        return int(high)
