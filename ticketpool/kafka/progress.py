"""What has been replayed of dead-letter topics, kept as offsets of a group of its own.

The group has no members. Two replays at a time would write letters twice, so each commit
looks first whether what stands there is what this one has written.
"""

from collections.abc import Iterable, Mapping

from confluent_kafka import Consumer, TopicPartition

from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition
from ticketpool.core.replayed import Replayed
from ticketpool.core.trouble import Position
from ticketpool.errors import ConfigError
from ticketpool.kafka.asking import explained, failure
from ticketpool.kafka.cluster import ANSWER_SECONDS, make_client
from ticketpool.kafka.insist import insist
from ticketpool.kafka.listener import commits_of
from ticketpool.kafka.settings import reader_properties

_NEVER = Position(0)


class Progress:
    """*Command side.* The progress of one group; one thread only. ``close`` it.

    Raises:
        BrokerUnreachable, NotAuthorised, ConfigError, TicketpoolError: also of every method.
    """

    def __init__(self, kafka: KafkaConfig, group: str) -> None:
        self.group, self._kafka = group, kafka
        properties = {**reader_properties(kafka), "group.id": group, "log_level": 0}
        self._client = make_client(Consumer, properties)
        self._known: dict[Partition, Position] = {}

    def load(self, partitions: Iterable[Partition]) -> dict[Partition, Replayed]:
        """What is known of each of them."""
        known = self._ask(partitions)
        self._known |= known
        return {place: Replayed(at.offset, at.memo) for place, at in known.items()}

    def save(self, replayed: Mapping[Partition, Replayed]) -> None:
        """Commit what has changed, and wait for the broker's word.

        Raises:
            ConfigError: somebody else has committed meanwhile.
        """
        now = {place: Position(one.low, one.memo()) for place, one in replayed.items()}
        changed = {place: at for place, at in now.items() if at != self._known[place]}
        if not changed:
            return
        if {place: self._known[place] for place in changed} != self._ask(changed):
            raise ConfigError(
                f"another replay is at work with the progress of group {self.group}; stopped. "
                "What was replayed since the last commit, a second ago, will come again"
            )
        self._commit(list(changed.items()))
        self._known |= changed

    def _commit(self, positions: list[tuple[Partition, Position]]) -> None:
        offsets, what = commits_of(positions), f"group {self.group!r}: committing the progress"
        done = explained(
            lambda: insist(lambda: self._client.commit(offsets=offsets, asynchronous=False)),
            lambda: what,
            self._kafka,
        )
        for one in done or ():
            if one.error is not None:
                raise failure(one.error, what, self._kafka)

    def _ask(self, partitions: Iterable[Partition]) -> dict[Partition, Position]:
        asked = [TopicPartition(*place) for place in partitions]
        answers = explained(
            lambda: insist(lambda: self._client.committed(asked, timeout=ANSWER_SECONDS)),
            lambda: f"group {self.group!r}: reading the progress",
            self._kafka,
        )
        return {
            Partition(one.topic, one.partition): (
                Position(one.offset, one.metadata or "") if one.offset >= 0 else _NEVER
            )
            for one in answers
        }

    def close(self) -> None:
        """Release the client."""
        self._client.close()
