"""Reading topics from end to end, outside of any group and without a commit."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition, RawRecord
from ticketpool.errors import BrokerUnreachable, TopicMissing
from ticketpool.kafka.cluster import ANSWER_SECONDS, Cluster, explain, make_client
from ticketpool.kafka.settings import reader_properties

BATCH = 1000  # larger ones are slower: the caches
SILENCE_SECONDS = 30.0
"""How long a cluster may send neither a record nor an end before reading gives up."""

_GONE = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION}


class Span(NamedTuple):
    """Offsets of a partition when reading began: from ``low`` to before ``high``.

    Fewer records than ``high - low`` may stand there: compaction and
    transaction markers take up offsets too.
    """

    low: int
    high: int


Narrow = Callable[[Partition, Span], Span]
"""Of what a partition holds, the part that is to be read."""


class Reader:
    """*Command side.* Reads what topics held when it was made; one thread only.

    Args:
        narrow: reads a part of each partition only.

    Attributes:
        spans: by partition, in order of topic and number.

    Raises:
        BrokerUnreachable, NotAuthorised, TopicMissing, ConfigError.
    """

    def __init__(
        self, kafka: KafkaConfig, topics: Iterable[str], narrow: Narrow | None = None
    ) -> None:
        self._kafka, self._narrow = kafka, narrow
        counts = _existing(kafka, tuple(topics))
        self._consumer = make_client(Consumer, {**reader_properties(kafka), "log_level": 0})
        places = [Partition(topic, n) for topic in sorted(counts) for n in range(counts[topic])]
        try:
            self.spans = {place: self._span(place) for place in places}
        except BaseException:
            self.close()
            raise
        self._open = {
            place: span.high for place, span in self.spans.items() if span.low < span.high
        }

    def _span(self, place: Partition) -> Span:
        asked = TopicPartition(*place)
        try:
            low, high = self._consumer.get_watermark_offsets(asked, timeout=ANSWER_SECONDS)
        except KafkaException as error:
            raise explain(error.args[0], self._kafka) from None
        span = Span(low, high)
        return span if self._narrow is None else self._narrow(place, span)

    def batches(self) -> Iterator[Sequence[RawRecord]]:
        """Yield the records in order per partition, and at least every 0.1 s an empty list.

        Ends when each partition has been read to its ``high``, or to its end if
        that comes first. What is written meanwhile is left out. Call it once.

        Raises:
            BrokerUnreachable: nothing came for ``SILENCE_SECONDS``.
            NotAuthorised, TopicMissing: so the broker says.
        """
        self._consumer.assign(
            [TopicPartition(*place, self.spans[place].low) for place in self._open]
        )
        heard = time.monotonic()
        while self._open:
            polled = self._poll()
            if polled:
                heard = time.monotonic()
            elif time.monotonic() - heard > SILENCE_SECONDS:
                raise self._silence()
            given = time.monotonic()
            yield self._within(polled)  # type: ignore[misc]  # the stub's headers are wider
            heard += time.monotonic() - given  # the caller took that long, not the cluster

    def _poll(self) -> list[Message]:
        # consume(n, timeout) waits its whole timeout to fill up: take one, then what is there.
        first = self._consumer.poll(0.1)
        if first is None:
            return []
        return [first, *self._consumer.consume(BATCH - 1, 0)]

    def _within(self, polled: list[Message]) -> list[Message]:
        """The records among ``polled`` that count; closes the partitions that have ended."""
        wanted = []
        for message in polled:
            if error := message.error():
                self._on_error(message, error)
                continue
            place = (message.topic(), message.partition())
            end = self._open.get(place, -1)  # type: ignore[call-overload]
            offset: int = message.offset()  # type: ignore[assignment]
            if offset < end:
                wanted.append(message)
            if offset >= end - 1:
                self._close_partition(*place)  # type: ignore[arg-type]
        return wanted

    def _on_error(self, message: Message, error: KafkaError) -> None:
        topic, number = message.topic(), message.partition()
        if error.code() == KafkaError._PARTITION_EOF and topic is not None and number is not None:
            self._close_partition(topic, number)
        elif error.code() in _GONE:
            raise TopicMissing(f"topic {topic!r} has gone while it was read: {error.str()}")
        elif not error.retriable():
            raise explain(error, self._kafka)

    def _close_partition(self, topic: str, number: int) -> None:
        if self._open.pop(Partition(topic, number), None) is not None:
            self._consumer.pause([TopicPartition(topic, number)])  # it may go on growing

    def _silence(self) -> BrokerUnreachable:
        places = ", ".join(map(str, sorted(self._open)))
        return BrokerUnreachable(
            f"{self._kafka.bootstrap_servers} has sent nothing of {places} "
            f"for {SILENCE_SECONDS:.0f} s"
        )

    def close(self) -> None:
        """Release the client. May be called again."""
        self._consumer.close()


def _existing(kafka: KafkaConfig, topics: tuple[str, ...]) -> dict[str, int]:
    """The number of partitions of each topic. Raises ``TopicMissing``."""
    counts = Cluster(kafka).partition_counts(topics)
    if missing := [topic for topic in topics if topic not in counts]:
        names = ", ".join(map(repr, missing))
        raise TopicMissing(f"no topic {names} at {kafka.bootstrap_servers}; set --topic")
    return counts


def committed(
    kafka: KafkaConfig, group: str, partitions: Iterable[Partition]
) -> dict[Partition, int]:
    """The offsets that a group has committed, without joining it; those without one are left out.

    Raises:
        BrokerUnreachable, NotAuthorised.
    """
    properties = {**reader_properties(kafka), "group.id": group, "log_level": 0}
    consumer = make_client(Consumer, properties)
    try:
        asked = [TopicPartition(*place) for place in partitions]
        answers = consumer.committed(asked, timeout=ANSWER_SECONDS)
    except KafkaException as error:
        raise explain(error.args[0], kafka) from None
    finally:
        consumer.close()
    return {Partition(one.topic, one.partition): one.offset for one in answers if one.offset >= 0}
