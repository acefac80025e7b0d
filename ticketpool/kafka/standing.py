"""How a group stands, from the broker alone: without joining it, without its supervisors."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeVar

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin._listoffsets import OffsetSpec

from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition
from ticketpool.errors import BrokerUnreachable
from ticketpool.kafka.cluster import ANSWER_SECONDS, Cluster, explain
from ticketpool.kafka.insist import insist

T = TypeVar("T")

_START: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_END: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
_GONE = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION}
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

    def _ask(self, ask: Callable[[], "Future[T]"]) -> T:
        """What the coordinator answers, also when it is just moving or was never there before.

        Raises ``BrokerUnreachable``, ``NotAuthorised``, or ``KafkaException`` of another kind.
        """
        try:
            return insist(lambda: ask().result())
        except KafkaException as error:
            if error.args[0].code() in _UNSUPPORTED or error.args[0].code() == _NO_GROUP:
                raise
            raise explain(error.args[0], self._kafka) from None

    def _members(self) -> tuple[str | None, dict[Partition, str], int]:
        """State, who holds what, how many. To be asked before ``_committed``: the client (2.16)
        crashes when it asks for offsets and there is no coordinator yet."""
        admin, name = self._cluster.admin, self._group
        ask = admin.describe_consumer_groups
        try:
            found = self._ask(lambda: ask([name], request_timeout=ANSWER_SECONDS)[name])
        except KafkaException as error:
            return "dead" if error.args[0].code() == _NO_GROUP else None, {}, 0
        members = {
            Partition(one.topic, one.partition): f"{member.client_id} {member.host.lstrip('/')}"
            for member in found.members
            for one in (member.assignment.topic_partitions if member.assignment else ())
        }
        state = found.state.name.lower().replace("_", " ")
        return state, members, len(found.members)

    def _committed(self) -> dict[Partition, int]:
        asked = [ConsumerGroupTopicPartitions(self._group)]
        ask = self._cluster.admin.list_consumer_group_offsets
        found = self._ask(lambda: ask(asked, request_timeout=ANSWER_SECONDS)[self._group])
        return {
            Partition(one.topic, one.partition): one.offset
            for one in found.topic_partitions or ()
            if one.offset >= 0
        }

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
                offset = answer.result().offset
            except KafkaException as error:
                if error.args[0].code() in _GONE:
                    continue
                raise explain(error.args[0], self._kafka) from None
            if offset < 0:  # how librdkafka 2.16 tells of a request that timed out
                raise BrokerUnreachable(
                    f"the leader of {one.topic}[{one.partition}] does not answer "
                    f"at {self._kafka.bootstrap_servers}"
                )
            found[Partition(one.topic, one.partition)] = offset
        return found
