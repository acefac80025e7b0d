"""The newest letters of a service's dead-letter topics, for browsing."""

import msgspec

from ticketpool.config import KafkaConfig
from ticketpool.core.letter import Letter, LettersQuery
from ticketpool.core.model import Partition
from ticketpool.kafka.cluster import Cluster
from ticketpool.kafka.letters import newest

_SMALL = {"queued.max.messages.kbytes": "4096"}  # it is the supervisor's memory


class Tail:
    """*Supervisor side, on the listener's reading thread.* A client for each look, none between."""

    def __init__(self, kafka: KafkaConfig) -> None:
        properties = {**_SMALL, **kafka.properties}
        self._kafka = msgspec.structs.replace(kafka, properties=properties)

    def letters(self, query: LettersQuery) -> list[Letter]:
        """The newest letters that are asked for, the newest first; as long as ``newest`` takes.

        Raises:
            BrokerUnreachable, NotAuthorised.
        """
        counts = Cluster(self._kafka).partition_counts(query.topics)
        if not counts:  # nothing was written yet
            return []
        left_out = {
            Partition(topic, number): 0  # no letter stands below it
            for topic, count in counts.items()
            for number in range(count)
            if query.partition not in (None, number)
        }
        return newest(self._kafka, counts, query.limit, {**query.before, **left_out})
