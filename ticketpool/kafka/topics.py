"""Topics from outside: where their partitions stand, how they are set; and making them."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from confluent_kafka import KafkaException
from confluent_kafka.admin._config import ConfigResource, ConfigSource
from confluent_kafka.cimpl import NewTopic

from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition
from ticketpool.core.reset import Extent
from ticketpool.errors import ConfigError, NotAuthorised
from ticketpool.kafka.asking import ANSWER_SECONDS, explained, failure
from ticketpool.kafka.cluster import Cluster
from ticketpool.kafka.extents import Extents

_OF_TOPIC = ConfigSource.DYNAMIC_TOPIC_CONFIG.value


class Setting(msgspec.Struct, frozen=True):
    """A setting of a topic: ``own`` when it was set for this topic, and not for all."""

    value: str | None
    own: bool


class PartitionInfo(msgspec.Struct, frozen=True):
    """One partition.

    Attributes:
        leader: the broker that leads it, ``None`` without one.
        replicas, in_sync: brokers that are to have it, and those that have all of it.
        extent: ``None`` without a leader.
    """

    number: int
    leader: int | None
    replicas: list[int]
    in_sync: list[int]
    extent: Extent | None

    def troubles(self, least_in_sync: int) -> list[str]:
        """What is wrong with it, in words."""
        if self.leader is None:
            return ["no leader: can't be read or written"]
        if len(self.in_sync) < min(least_in_sync, len(self.replicas)):
            return [f"{len(self.in_sync)} in sync of {least_in_sync} needed: can't be written"]
        if len(self.in_sync) < len(self.replicas):
            return [f"{len(self.in_sync)} of {len(self.replicas)} replicas in sync"]
        return []


class TopicInfo(msgspec.Struct, frozen=True):
    """One topic. ``settings``: ``None`` when we may not see them."""

    name: str
    partitions: list[PartitionInfo]
    settings: dict[str, Setting] | None

    @property
    def records(self) -> int:
        """How many it holds, at most: offsets of compacted records count."""
        return sum(one.extent.records for one in self.partitions if one.extent is not None)

    @property
    def replicas(self) -> int:
        return max((len(one.replicas) for one in self.partitions), default=0)

    def value(self, name: str) -> str | None:
        """Of a setting, if it is known."""
        setting = (self.settings or {}).get(name)
        return None if setting is None else setting.value

    def troubles(self) -> dict[str, list[int]]:
        """What is wrong, and with which partitions."""
        least, found = int(self.value("min.insync.replicas") or 1), dict[str, list[int]]()
        for one in self.partitions:
            for trouble in one.troubles(least):
                found.setdefault(trouble, []).append(one.number)
        return found


class Wanted(msgspec.Struct, frozen=True):
    """A topic to be made. ``replication`` -1: the broker's default."""

    name: str
    partitions: int
    replication: int
    config: dict[str, str] = {}


class Topics:
    """*Command side.* Blocking questions about topics.

    Methods raise ``NotAuthorised``, ``BrokerUnreachable`` or ``TicketpoolError``, which name
    the topic.
    """

    def __init__(self, kafka: KafkaConfig) -> None:
        self._kafka = kafka
        self._cluster = Cluster(kafka)
        self._admin = self._cluster.admin

    def names(self) -> list[str]:
        """Of all topics that we may see, in order; Kafka's own ones too."""
        return sorted(self._cluster.metadata().topics)

    def describe(self, names: Iterable[str]) -> list[TopicInfo]:
        """These, as far as they are there."""
        known = self._cluster.metadata().topics
        there = {name: known[name].partitions for name in names if name in known}
        there = {name: partitions for name, partitions in there.items() if partitions}
        led = [
            Partition(name, one.id)
            for name, partitions in there.items()
            for one in partitions.values()
            if one.leader >= 0
        ]
        extents = Extents(self._cluster, self._kafka).of(led)
        settings = self._settings(list(there))
        return [
            TopicInfo(
                name,
                [_partition(name, one, extents) for _, one in sorted(partitions.items())],
                settings[name],
            )
            for name, partitions in there.items()
        ]

    def _settings(self, names: list[str]) -> dict[str, dict[str, Setting] | None]:
        if not names:
            return {}
        resources = {name: ConfigResource(ConfigResource.Type.TOPIC, name) for name in names}
        asked = self._admin.describe_configs(
            list(resources.values()), request_timeout=ANSWER_SECONDS
        )
        found: dict[str, dict[str, Setting] | None] = {}
        for name, resource in resources.items():
            try:
                entries = explained(
                    asked[resource].result, lambda: "settings of topics", self._kafka
                )
            except NotAuthorised:  # to see the topic asks for less than to see its settings
                found[name] = None
                continue
            found[name] = {one.name: _setting(one) for one in entries.values()}
        return found

    def create(self, wanted: Wanted, *, only_check: bool) -> None:
        """Make it, and wait until it is seen; or have the broker say whether it would.

        Raises:
            ConfigError: the broker refuses it; the message says why.
        """
        new = NewTopic(
            wanted.name,
            num_partitions=wanted.partitions,
            replication_factor=wanted.replication,
            config=wanted.config,
        )
        future = self._admin.create_topics(
            [new], request_timeout=ANSWER_SECONDS, validate_only=only_check
        )[wanted.name]
        what = f"topic {wanted.name!r} can't be made"
        try:
            future.result()
        except KafkaException as error:
            ours = failure(error.args[0], what, self._kafka)
            raise (
                ours if ours.exit_code == NotAuthorised.exit_code else ConfigError(str(ours))
            ) from None
        if not only_check:
            self._cluster.touch(wanted.name)


def _partition(topic: str, found: Any, extents: Mapping[Partition, Extent]) -> PartitionInfo:
    return PartitionInfo(
        found.id,
        found.leader if found.leader >= 0 else None,
        list(found.replicas),
        list(found.isrs),
        extents.get(Partition(topic, found.id)),
    )


def _setting(entry: Any) -> Setting:
    """A value that the broker calls sensitive is none: it does not tell it."""
    source = getattr(entry.source, "value", entry.source)
    return Setting(entry.value, source == _OF_TOPIC)
