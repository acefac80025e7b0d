"""The newest letters of dead-letter topics, for browsing."""

import heapq
import time
from collections.abc import Iterator
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from ticketpool.config import KafkaConfig
from ticketpool.core.browse import LettersQuery
from ticketpool.core.letter import Letter
from ticketpool.core.model import Partition, RawRecord
from ticketpool.kafka.cluster import Cluster, explain, make_client
from ticketpool.kafka.settings import reader_properties

_SECONDS = 6.0  # for one look; less than a page waits
_SMALL: dict[str, object] = {"queued.max.messages.kbytes": 4096, "log_level": 0}


class Tail:
    """*Supervisor side, on the listener's reading thread.* A client for each look, none between."""

    def __init__(self, kafka: KafkaConfig) -> None:
        self._kafka = kafka

    def letters(self, query: LettersQuery) -> list[Letter]:
        """The newest letters that are asked for, the newest first; takes some seconds at most,
        and tells what it has found by then.

        Raises:
            BrokerUnreachable, NotAuthorised.
        """
        counts = Cluster(self._kafka).partition_counts(query.topics)
        places = [
            Partition(topic, number)
            for topic, count in counts.items()
            for number in (range(count) if query.partition is None else [query.partition])
            if number < count
        ]
        consumer = make_client(Consumer, {**reader_properties(self._kafka), **_SMALL})
        try:
            found = _Looking(consumer, query, places).records()
            newest = heapq.nlargest(query.limit, found, key=_age)
        except KafkaException as error:
            raise explain(error.args[0], self._kafka) from None
        finally:
            consumer.close()
        return [_letter(one) for one in newest]


class _Looking:
    def __init__(self, consumer: Consumer, query: LettersQuery, places: list[Partition]) -> None:
        self._consumer, self._query = consumer, query
        self._deadline = time.monotonic() + _SECONDS
        self._ends = {place: end for place in places if (end := self._assigned(place))}

    def _assigned(self, place: Partition) -> int | None:
        """Read the last ``limit`` offsets of this partition; before which one to stop."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            return None
        low, high = self._consumer.get_watermark_offsets(TopicPartition(*place), timeout=left)
        end = min(high, self._query.before.get(place, high))
        if end <= low:
            return None
        start = max(low, end - self._query.limit)
        self._consumer.incremental_assign([TopicPartition(*place, start)])
        return end

    def records(self) -> Iterator[RawRecord]:
        while self._ends and time.monotonic() < self._deadline:
            message = self._consumer.poll(0.1)
            if message is None:
                continue
            place = Partition(message.topic() or "", message.partition() or 0)
            offset = message.offset() or 0
            at_its_end = message.error() or offset >= self._ends.get(place, 0) - 1
            if not message.error() and offset < self._ends.get(place, 0):
                yield message  # type: ignore[misc]  # the stub's headers are wider
            if at_its_end and self._ends.pop(place, None) is not None:
                self._consumer.incremental_unassign([TopicPartition(*place)])


def _age(record: RawRecord) -> tuple[int, int]:
    return record.timestamp()[1], record.offset() or 0


def _letter(record: RawRecord) -> Letter:
    headers = record.headers() or ()
    told = {name: (value or b"").decode("utf-8", "replace") for name, value in headers}
    return Letter(
        topic=record.topic() or "",
        partition=record.partition() or 0,
        offset=record.offset() or 0,
        written_ms=record.timestamp()[1],
        key=record.key(),
        value=record.value(),
        headers=tuple(one for one in headers if not one[0].startswith("ticketpool-")),
        **_reason(told),
    )


def _reason(told: dict[str, str]) -> dict[str, Any]:
    def number(name: str) -> int | None:
        text = told.get(f"ticketpool-{name}", "")
        return int(text) if text.isascii() and text.isdigit() else None

    return {
        "origin_topic": told.get("ticketpool-topic"),
        "origin_partition": number("partition"),
        "origin_offset": number("offset"),
        "origin_ms": number("timestamp"),
        "group": told.get("ticketpool-group"),
        "attempts": number("attempts"),
        "error": told.get("ticketpool-error", ""),
        "message": told.get("ticketpool-message", ""),
    }
