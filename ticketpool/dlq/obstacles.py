"""Why a letter can't go back, and which others wait for it."""

from typing import NamedTuple

from ticketpool.core.letter import Letter
from ticketpool.kafka.cluster import Cluster


class _Topic(NamedTuple):
    """``partitions`` 0: there is none. ``max_bytes``: of a batch; ``None``: unknown."""

    partitions: int
    max_bytes: int | None


class Obstacles:
    """*Command side.* What stands against letters, asked in the order in which they stand.

    A letter that stays keeps back the later ones of its key: they must not overtake it.
    """

    def __init__(self, cluster: Cluster, max_replays: int) -> None:
        self._cluster, self._max_replays = cluster, max_replays
        self._topics: dict[str, _Topic] = {}
        self._waiting: set[int] = set()  # hashes: there may be as many keys as letters

    def find(self, letter: Letter, size: int) -> str | None:
        """Why the letter must stay; ``None`` when it may go.

        Raises:
            BrokerUnreachable, NotAuthorised.
        """
        who = hash((letter.origin_topic, letter.key))
        if letter.key is not None and who in self._waiting:
            return "one of its key stays before it"
        why = self._own(letter, self._topic(letter.origin_topic or ""), size)
        if why is not None and letter.key is not None:
            self._waiting.add(who)
        return why

    def _own(self, letter: Letter, topic: _Topic, size: int) -> str | None:
        if not topic.partitions:
            return f"there is no topic {letter.origin_topic!r} any more"
        if not letter.parked and letter.replays >= self._max_replays:
            return f"it was replayed {letter.replays} times already (--max-replays)"
        if topic.max_bytes is not None and size > topic.max_bytes:
            return f"it is too large for topic {letter.origin_topic!r} (max.message.bytes)"
        return None

    def partition_of(self, letter: Letter) -> int | None:
        """Where it goes: back into its partition, so that it stands with the others of its key
        whatever partitioner their producer uses; ``None``, by its key, where that is gone."""
        origin = letter.origin_partition
        known = self._topic(letter.origin_topic or "").partitions
        return origin if origin is not None and origin < known else None

    def _topic(self, name: str) -> _Topic:
        if name not in self._topics:
            partitions = self._cluster.partition_counts([name]).get(name, 0)
            limit = self._cluster.max_message_bytes(name) if partitions else None
            self._topics[name] = _Topic(partitions, limit)
        return self._topics[name]
