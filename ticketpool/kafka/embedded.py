"""librdkafka's mock cluster as an embedded broker: for demos and trying things.

It is experimental (rdkafka_mock.h) and keeps nothing. It lives in this process,
on a free port of 127.0.0.1; other processes may join. It makes topics on first
use, with ``PARTITIONS`` each, can't be told to create one, and drops the oldest
records of a partition without a word beyond ``PARTITION_BYTES`` (rdkafka_mock.c).
"""

from collections.abc import Iterable
from typing import Self

from confluent_kafka import Producer

from ticketpool.config import KafkaConfig
from ticketpool.errors import ConfigError
from ticketpool.kafka.cluster import ANSWER_SECONDS, Cluster

PARTITIONS = 4
PARTITION_BYTES = 5 << 20
FETCH_PROPERTY = "fetch.wait.max.ms=5"
"""For consumers of the embedded cluster (``-X``). It lets a fetch that finds nothing wait
to its end, 500 ms by default, also when records come meanwhile; a real broker answers at once.
"""


class EmbeddedCluster:
    """A cluster of one broker, from construction to ``close``; also a context manager.

    Attributes:
        bootstrap: its ``host:port``.
    """

    def __init__(self, topics: Iterable[str] = ()) -> None:
        # A producer, not a consumer: it owns the cluster and takes part in nothing.
        self._owner: Producer | None = Producer({"test.mock.num.brokers": 1, "log_level": 0})
        (broker,) = self._owner.list_topics(timeout=ANSWER_SECONDS).brokers.values()
        self.bootstrap = f"{broker.host}:{broker.port}"
        self.add(topics)

    def add(self, topics: Iterable[str]) -> None:
        """Make topics, by asking for them. Raises ``ConfigError`` for a name it refuses."""
        cluster = Cluster(KafkaConfig(bootstrap_servers=self.bootstrap))
        for topic in topics:
            if not cluster.touch(topic):
                raise ConfigError(f"the embedded cluster can't make a topic {topic!r}")

    def close(self) -> None:
        """End it, with all it held. May be called again."""
        self._owner = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
