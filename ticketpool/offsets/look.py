"""What a group has committed, beside what its partitions hold."""

from collections.abc import Sequence

import msgspec

from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition
from ticketpool.core.reset import Extent
from ticketpool.core.trouble import Position
from ticketpool.errors import ConfigError, TopicMissing
from ticketpool.kafka.cluster import Cluster
from ticketpool.kafka.extents import Extents
from ticketpool.kafka.groups import Group, Groups


class Row(msgspec.Struct, frozen=True):
    """One partition; ``committed`` is ``None`` when the group has committed nothing there, and
    ``extent`` when the topic is deleted."""

    partition: Partition
    committed: Position | None
    extent: Extent | None

    @property
    def lag(self) -> int | None:
        """From the committed offset to the high watermark, at least 0; ``None`` until known."""
        if self.committed is None or self.extent is None:
            return None
        return max(self.extent.end - self.committed.offset, 0)


class Look(msgspec.Struct, frozen=True):
    """The group, and its partitions in order."""

    group: Group
    rows: list[Row]


def look(kafka: KafkaConfig, name: str, topics: Sequence[str]) -> Look:
    """Ask the cluster. Without ``topics``: all partitions that the group has committed.

    Raises:
        ConfigError: there is no such group.
        TopicMissing: one of ``topics`` is not there.
        NotAuthorised, BrokerUnreachable: as they say.
    """
    cluster = Cluster(kafka)
    counts = partition_counts(cluster, kafka)
    require(counts, topics, kafka)
    groups = Groups(cluster, kafka)
    group = groups.describe(name)
    committed = groups.committed(name)
    check_known(group, committed, kafka)
    wanted = sorted(partitions_of(topics, counts) if topics else committed)
    there = [one for one in wanted if one.number < counts.get(one.topic, 0)]
    extents = Extents(cluster, kafka).of(there)
    return Look(group, [Row(one, committed.get(one), extents.get(one)) for one in wanted])


def partition_counts(cluster: Cluster, kafka: KafkaConfig) -> dict[str, int]:
    """Of all topics that we may see."""
    return cluster.partition_counts(cluster.metadata().topics)


def partitions_of(topics: Sequence[str], counts: dict[str, int]) -> list[Partition]:
    """All partitions of these topics."""
    return [Partition(topic, number) for topic in topics for number in range(counts[topic])]


def require(counts: dict[str, int], topics: Sequence[str], kafka: KafkaConfig) -> None:
    """Raises ``TopicMissing`` for the topics that are not among those known."""
    if missing := [topic for topic in topics if topic not in counts]:
        raise TopicMissing(
            f"no topic {', '.join(map(repr, missing))} at {kafka.bootstrap_servers} (or no right "
            "to see it); set --topic. `ticketpool topics` lists those that are there"
        )


def check_known(group: Group, committed: dict[Partition, Position], kafka: KafkaConfig) -> None:
    """Raises ``ConfigError`` when there is no such group: a name mistyped, most likely."""
    if not committed and not group.active and group.state == "dead":
        raise ConfigError(
            f"no group {group.name!r} at {kafka.bootstrap_servers}: it has no member and has "
            "committed nothing; set --group"
        )
