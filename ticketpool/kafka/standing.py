"""How a group stands, from the broker alone: without joining it, without its supervisors."""

from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException

from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition
from ticketpool.core.reset import Extent
from ticketpool.kafka.asking import ANSWER_SECONDS, failure
from ticketpool.kafka.cluster import Cluster
from ticketpool.kafka.extents import Extents
from ticketpool.kafka.groups import Groups
from ticketpool.kafka.insist import insist

_NO_GROUP = KafkaError.GROUP_ID_NOT_FOUND
_UNSUPPORTED = {KafkaError._UNSUPPORTED_FEATURE, KafkaError.UNSUPPORTED_VERSION}


class Standing(NamedTuple):
    """A look at a group.

    Attributes:
        state: the coordinator's word, in lower case: stable, empty, dead (it knows no such
            group), ...; ``None``: it can't say (an embedded cluster).
        members: who holds each partition: client id and host.
        joined: members, those without a partition included.
        committed: the group's offsets.
        extents: of each partition that is held or committed and still there; it ends where a
            reader with ``isolation.level=read_committed`` comes to stand.
    """

    state: str | None
    members: dict[Partition, str]
    joined: int
    committed: dict[Partition, int]
    extents: dict[Partition, Extent]


class GroupWatch:
    """*Command side.* Looks at one group, as often as it is asked. Blocks; one thread.

    Raises:
        ConfigError: a property is wrong.
    """

    def __init__(self, kafka: KafkaConfig, group: str) -> None:
        self._kafka, self._group = kafka, group
        self._cluster = Cluster(kafka)
        self._groups = Groups(self._cluster, kafka)
        self._extents = Extents(self._cluster, kafka)

    def look(self) -> Standing:
        """How it stands now.

        Raises:
            BrokerUnreachable, NotAuthorised, TicketpoolError: within ``ANSWER_SECONDS`` for each
                question, and some seconds more for a coordinator that moves.
        """
        topics = self._cluster.metadata().topics  # says in time that nobody is there
        state, members, joined = self._members()
        known = self._groups.committed(self._group)  # after its members: see ``describe``
        committed = {place: position.offset for place, position in known.items()}
        there = [
            place
            for place in sorted(members.keys() | committed.keys())
            if place.topic in topics and place.number in topics[place.topic].partitions
        ]
        return Standing(state, members, joined, committed, self._extents.of(there, stable=True))

    def _members(self) -> tuple[str | None, dict[Partition, str], int]:
        """State, who holds what, how many."""
        ask, name = self._cluster.admin.describe_consumer_groups, self._group
        try:
            found = insist(lambda: ask([name], request_timeout=ANSWER_SECONDS)[name].result())
        except KafkaException as raised:
            error: KafkaError = raised.args[0]
            if error.code() == _NO_GROUP or error.code() in _UNSUPPORTED:
                return "dead" if error.code() == _NO_GROUP else None, {}, 0
            raise failure(error, f"group {name!r}: its members", self._kafka) from None
        members = {
            Partition(one.topic, one.partition): f"{member.client_id} {member.host.lstrip('/')}"
            for member in found.members
            for one in (member.assignment.topic_partitions if member.assignment else ())
        }
        return found.state.name.lower().replace("_", " "), members, len(found.members)
