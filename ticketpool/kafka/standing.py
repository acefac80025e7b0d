"""How a group stands, from the broker alone: without joining it, without its supervisors."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from confluent_kafka import (
    ConsumerGroupState,
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin._listoffsets import OffsetSpec

from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition
from ticketpool.kafka.cluster import ANSWER_SECONDS, Cluster, explain

T = TypeVar("T")

_START: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_END: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
_GONE = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION}
_UNSUPPORTED = {KafkaError._UNSUPPORTED_FEATURE, KafkaError.UNSUPPORTED_VERSION}


class Standing(NamedTuple):
    """A look at a group.

    Attributes:
        state: the coordinator's word, in lower case: stable, empty, dead (it knows no such
            group), ...; ``None``: it can't say (an embedded cluster).
        members: who holds each partition: client id and host.
        joined: members, those without a partition included.
        committed: the group's offsets.
        starts, ends: of the logs, of each partition that is held or committed; an end is where
            a reader with ``isolation.level=read_committed`` comes to stand.
    """

    state: str | None
    members: dict[Partition, str]
    joined: int
    committed: dict[Partition, int]
    starts: dict[Partition, int]
    ends: dict[Partition, int]


class GroupWatch:
    """*Command side.* Looks at one group, as often as it is asked. Blocks; one thread.

    Raises:
        ConfigError: a property is wrong.
    """

    def __init__(self, kafka: KafkaConfig, group: str) -> None:
        self._kafka, self._group = kafka, group
        self._cluster = Cluster(kafka)

    def look(self) -> Standing:
        """How it stands now.

        Raises:
            BrokerUnreachable, NotAuthorised: within ``ANSWER_SECONDS`` for each question.
        """
        self._cluster.metadata()  # says in time and in words that nobody is there
        state, members, joined = self._members()
        committed = self._committed()
        places = sorted(members.keys() | committed.keys())
        return Standing(
            state,
            members,
            joined,
            committed,
            self._offsets(places, _START),
            self._offsets(places, _END),
        )

    def _ask(self, answer: Callable[[], T]) -> T:
        try:
            return answer()
        except KafkaException as error:
            raise explain(error.args[0], self._kafka) from None

    def _members(self) -> tuple[str | None, dict[Partition, str], int]:
        asked = self._cluster.admin.describe_consumer_groups(
            [self._group], request_timeout=ANSWER_SECONDS
        )
        try:
            found = asked[self._group].result()
        except KafkaException as error:
            if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:
                return "dead", {}, 0
            if error.args[0].code() in _UNSUPPORTED:
                return None, {}, 0
            raise explain(error.args[0], self._kafka) from None
        members = {
            Partition(one.topic, one.partition): f"{member.client_id} {member.host}"
            for member in found.members
            for one in member.assignment.topic_partitions
        }
        return _name(found.state), members, len(found.members)

    def _committed(self) -> dict[Partition, int]:
        asked = self._cluster.admin.list_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(self._group)], request_timeout=ANSWER_SECONDS
        )
        found = self._ask(asked[self._group].result).topic_partitions
        return {Partition(one.topic, one.partition): one.offset for one in found if one.offset >= 0}

    def _offsets(self, places: Iterable[Partition], spec: OffsetSpec) -> dict[Partition, int]:
        """Offsets of the logs; a partition that is not there (any more) is left out."""
        asked: dict[Any, OffsetSpec] = {TopicPartition(*place): spec for place in places}
        if not asked:
            return {}
        answers = self._cluster.admin.list_offsets(
            asked, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=ANSWER_SECONDS
        )
        found = {}
        for one, answer in answers.items():
            try:
                found[Partition(one.topic, one.partition)] = answer.result().offset
            except KafkaException as error:
                if error.args[0].code() not in _GONE:
                    raise explain(error.args[0], self._kafka) from None
        return found


def _name(state: ConsumerGroupState) -> str:
    return state.name.lower().replace("_", " ")
