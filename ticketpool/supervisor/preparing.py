"""What is made before anything is read."""

from ticketpool import log
from ticketpool.config import RunConfig
from ticketpool.kafka.cluster import Cluster

_log = log.get("ticketpool.supervisor")


def create_topics(config: RunConfig, cluster: Cluster) -> None:
    """The topics that are missing, and those for dead letters. Raises as ``Cluster.create``."""
    for topic in config.topics:
        for name in (topic, config.dead_letter_topic_of(topic)):
            if cluster.create(name, config.partitions, config.replication):
                _log.info("topic created", topic=name, partitions=config.partitions)
