"""Asking the cluster: does it answer, has it the topic, make the topic."""

import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._metadata import ClusterMetadata
from confluent_kafka.cimpl import NewTopic

from ticketpool.config import KafkaConfig
from ticketpool.errors import (
    BrokerUnreachable,
    ConfigError,
    NotAuthorised,
    TicketpoolError,
    TopicMissing,
)
from ticketpool.kafka.settings import Properties, admin_properties

T = TypeVar("T")

ANSWER_SECONDS = 5.0
"""How long a broker may take to answer at start before we give up."""

DENIED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError._AUTHENTICATION,
}


def explain(error: KafkaError, kafka: KafkaConfig) -> TicketpoolError:
    """The error of ours that a Kafka error at start amounts to."""
    if error.code() in DENIED:
        return NotAuthorised(
            f"{kafka.bootstrap_servers} refuses us: {error.str()}; "
            "check the sasl.* and ssl.* properties (-X) and the ACLs"
        )
    return BrokerUnreachable(
        f"no Kafka broker answers at {kafka.bootstrap_servers} ({error.str()}); "
        "start one there or set --bootstrap-servers"
    )


def fatal(error: KafkaError) -> TicketpoolError:
    """The client is of no use any more (librdkafka INTRODUCTION.md, "Fatal consumer errors")."""
    if "instance" in error.str().lower() or error.code() == KafkaError.FENCED_INSTANCE_ID:
        return ConfigError(
            f"another member of the group has this group.instance.id ({error.str()}); "
            "give each supervisor its own (-X group.instance.id=...)"
        )
    return TicketpoolError(f"the Kafka client cannot go on: {error.str()}")


def make_client(make: Callable[[Any], T], properties: Properties) -> T:
    """Construct a client. Raises ``ConfigError`` for a property that librdkafka refuses."""
    try:
        return make(properties)
    except KafkaException as error:
        raise ConfigError(f"a Kafka property is wrong: {error.args[0].str()} (-X)") from None
    except (TypeError, ValueError) as error:
        raise ConfigError(f"a Kafka property is wrong: {error} (-X)") from None


class Cluster:
    """*Supervisor and command side.* Blocking questions to the cluster, for start-up and tools."""

    def __init__(self, kafka: KafkaConfig) -> None:
        self._kafka = kafka
        self._last_error: KafkaError | None = None
        self.admin = make_client(
            AdminClient, {**admin_properties(kafka), "error_cb": self._remember, "log_level": 0}
        )

    def _remember(self, error: KafkaError) -> None:
        self._last_error = error

    def metadata(self, topic: str | None = None) -> ClusterMetadata:
        """The cluster's metadata; naming a topic lets brokers with auto-create make it.

        Raises:
            BrokerUnreachable, NotAuthorised: no answer within ``ANSWER_SECONDS``.
        """
        try:
            if topic is None:
                return self.admin.list_topics(timeout=ANSWER_SECONDS)
            return self.admin.list_topics(topic, timeout=ANSWER_SECONDS)
        except KafkaException as error:
            denied = self._last_error and self._last_error.code() in DENIED
            raise explain(self._last_error if denied else error.args[0], self._kafka) from None  # type: ignore[arg-type]

    def partition_counts(self, topics: Iterable[str]) -> dict[str, int]:
        """The number of partitions of each topic that exists."""
        known = self.metadata().topics
        return {
            topic: len(known[topic].partitions)
            for topic in topics
            if topic in known and known[topic].error is None and known[topic].partitions
        }

    def require(self, topics: Iterable[str]) -> dict[str, int]:
        """As ``partition_counts``. Raises ``TopicMissing`` naming those that are not there."""
        wanted = tuple(topics)
        counts = self.partition_counts(wanted)
        if missing := [topic for topic in wanted if topic not in counts]:
            raise TopicMissing(
                f"no topic {', '.join(map(repr, missing))} at {self._kafka.bootstrap_servers}; "
                "add --create-topic (with --partitions N), or set --topic"
            )
        return counts

    def max_message_bytes(self, topic: str) -> int | None:
        """The topic's ``max.message.bytes``; ``None`` when the broker does not tell us."""
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        try:
            asked = self.admin.describe_configs([resource], request_timeout=ANSWER_SECONDS)
            return int(asked[resource].result()["max.message.bytes"].value)
        except (KafkaException, KeyError, TypeError, ValueError):
            return None

    def create(self, topic: str, partitions: int, replication: int = -1) -> bool:
        """Create a topic unless it exists; return whether it was created.

        Raises:
            ConfigError: the cluster refuses, or does not support creating topics.
        """
        new = NewTopic(topic, num_partitions=partitions, replication_factor=replication)
        future = self.admin.create_topics([new], operation_timeout=10, request_timeout=10)[topic]
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
                return False
            raise ConfigError(f"cannot create topic {topic!r}: {error.args[0].str()}") from None
        self._await_topic(topic)
        return True

    def touch(self, topic: str) -> bool:
        """Ask for the topic by name, so that a broker with auto-create makes it.

        Returns whether it exists within ``ANSWER_SECONDS``.
        """
        self.metadata(topic)
        return self._await_topic(topic)

    def _await_topic(self, topic: str) -> bool:
        deadline = time.monotonic() + ANSWER_SECONDS
        while not self.partition_counts([topic]):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)  # metadata travels from the controller; there is nothing to wait on
        return True
