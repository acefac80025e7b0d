"""A consumer group from outside: who is in it, what it has committed; and committing for it."""

from collections.abc import Mapping

import msgspec
from confluent_kafka import (
    ConsumerGroupState,
    ConsumerGroupTopicPartitions,
    KafkaError,
    TopicPartition,
)

from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition
from ticketpool.core.trouble import Position
from ticketpool.errors import TicketpoolError
from ticketpool.kafka.asking import ANSWER_SECONDS, answer, failure
from ticketpool.kafka.cluster import Cluster

_NONE = (ConsumerGroupState.EMPTY, ConsumerGroupState.DEAD)


class Member(msgspec.Struct, frozen=True):
    """One member. ``partitions``: how many it has."""

    client: str
    host: str
    instance: str | None
    partitions: int

    def __str__(self) -> str:
        name = f"{self.client} {self.instance}" if self.instance else self.client
        return f"{name} at {self.host} ({self.partitions} partitions)"


class Group(msgspec.Struct, frozen=True):
    """What the coordinator says of a group.

    Attributes:
        state: in its words, lower case: stable, empty, dead (there is none), ...
        protocol: classic, or consumer (KIP-848).
        active: it may have members, so nobody else can commit.
    """

    name: str
    state: str
    protocol: str
    members: list[Member]
    active: bool


class Groups:
    """*Command side.* Blocking questions about groups, of both protocols.

    Every method raises ``NotAuthorised``, ``BrokerUnreachable`` or ``TicketpoolError``, which
    name the group.
    """

    def __init__(self, cluster: Cluster, kafka: KafkaConfig) -> None:
        self._admin = cluster.admin
        self._kafka = kafka

    def describe(self, name: str) -> Group:
        """Ask this first: the client (2.16) crashes when it is asked for the offsets of a group
        whose coordinator is not there yet."""
        found = answer(
            lambda: self._admin.describe_consumer_groups([name], request_timeout=ANSWER_SECONDS)[
                name
            ],
            f"group {name!r}: its members",
            self._kafka,
        )
        members = [
            Member(
                one.client_id,
                one.host.lstrip("/"),
                one.group_instance_id,
                len(one.assignment.topic_partitions if one.assignment else ()),
            )
            for one in found.members
        ]
        active = bool(members) or found.state not in _NONE
        return Group(
            name,
            found.state.name.lower().replace("_", " "),
            found.type.name.lower(),
            sorted(members, key=str),
            active,
        )

    def committed(self, name: str, *, stable: bool = False) -> dict[Partition, Position]:
        """All that the group has committed. Ask ``describe`` before.

        ``stable``: raise ``TicketpoolError`` while a transaction is open that is to commit some.
        """
        found = answer(
            lambda: self._admin.list_consumer_group_offsets(
                [ConsumerGroupTopicPartitions(name)],
                require_stable=stable,
                request_timeout=ANSWER_SECONDS,
            )[name],
            f"group {name!r}: its offsets",
            self._kafka,
        )
        for one in found.topic_partitions or ():
            if one.error is not None:
                raise self._unreadable(f"group {name!r}: its offset of {one.topic}", one.error)
        return {
            Partition(one.topic, one.partition): Position(one.offset, one.metadata or "")
            for one in found.topic_partitions or ()
            if one.offset >= 0
        }

    def _unreadable(self, where: str, error: KafkaError) -> TicketpoolError:
        if error.code() != KafkaError.UNSTABLE_OFFSET_COMMIT:
            return failure(error, where, self._kafka)
        return TicketpoolError(
            f"{where} is about to be committed by a transaction that is still open, of a member "
            "that was killed; run it again in 20 s, when that has ended"
        )

    def commit(
        self, name: str, offsets: Mapping[Partition, int]
    ) -> dict[Partition, TicketpoolError]:
        """Commit for a group without members, with no memo.

        Returns:
            Why, for each partition that was refused: some may be, and others not.
        """
        wanted = [TopicPartition(*partition, offset) for partition, offset in offsets.items()]
        found = answer(
            lambda: self._admin.alter_consumer_group_offsets(
                [ConsumerGroupTopicPartitions(name, wanted)], request_timeout=ANSWER_SECONDS
            )[name],
            f"group {name!r}: moving its offsets",
            self._kafka,
        )
        answers = ((Partition(f.topic, f.partition), f.error) for f in found.topic_partitions or ())
        return {
            one: failure(error, str(one), self._kafka)
            for one, error in answers
            if error is not None
        }
