"""A producer that gives back what was not delivered, and can call back what was not sent."""

import itertools
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException

from ticketpool.config import KafkaConfig
from ticketpool.kafka.deliveries import DeliveryCallback
from ticketpool.kafka.producer import OnOutage, TicketProducer, raise_if_fatal

Record = dict[str, Any]
"""``key``, ``value``, and ``timestamp`` (milliseconds) where it is not that of sending."""

_UNDER_WAY = "given up on its way to the broker, where it may have arrived"
_OVERHEAD = 36  # librdkafka counts a record's head as the longest that it can be
_BATCH_HEAD = 61  # of a batch of records, which a broker's limit counts too
_DEFAULT_BYTES = 1_000_000  # of librdkafka's message.max.bytes and batch.size


class Returned(NamedTuple):
    """A record that was not delivered.

    Attributes:
        number: rises in the order in which records were sent; their reports do not come in it.
        recalled: it was not sent; ``recall`` took it back.
        waited_seconds: since it was given to the client.
    """

    number: int
    record: Record
    reason: str
    recalled: bool
    waited_seconds: float = 0.0


class ReturningProducer(TicketProducer):
    """Supports order per key through failures; ``TicketProducer`` tells the rest.

    Attributes:
        max_record_bytes: key and value together may be that long.
    """

    def __init__(
        self,
        kafka: KafkaConfig,
        *,
        partitioner: str = "murmur2",
        compression: str = "lz4",
        delivery_timeout_seconds: float | None = 120.0,
        tuning: Mapping[str, object] | None = None,
        on_outage: OnOutage | None = None,
    ) -> None:
        super().__init__(
            kafka,
            partitioner=partitioner,
            compression=compression,
            delivery_timeout_seconds=delivery_timeout_seconds,
            tuning=tuning,
            on_outage=on_outage,
        )
        self.max_record_bytes = self._number("message.max.bytes", _DEFAULT_BYTES) - _OVERHEAD
        self._numbers = itertools.count()
        self._returned: list[Returned] = []
        self._given: dict[int, float] = {}  # when, by number, of what is not reported yet

    @property
    def waited_seconds(self) -> float:
        """How long the oldest record has waited for its report; 0 when none does."""
        oldest = next(iter(self._given.values()), None)
        return 0.0 if oldest is None else time.monotonic() - oldest

    def send(self, topic: str, records: list[Record]) -> None:
        """Queue records in order, with their timestamps. Ask ``room`` before.

        Raises:
            TicketpoolError: the producer has failed for good and must be made anew.
        """
        now = time.monotonic()
        if any("timestamp" in record for record in records):
            self._send_each(topic, records, now)  # produce_batch knows no timestamps
        else:
            each = [{**record, "callback": self._reporter_of(record, now)} for record in records]
            self.produce_batch(topic, each)

    def _send_each(self, topic: str, records: list[Record], now: float) -> None:
        for record in records:
            report = self._reporter_of(record, now)
            when = record.get("timestamp", 0)  # 0: that of sending
            try:
                self._client.produce(
                    topic, record["value"], record["key"], timestamp=when, on_delivery=report
                )
            except KafkaException as error:
                self._refused(report, error.args[0])

    def _count_refused(self, records: Sequence[Record]) -> None:
        for record in records:
            if error := record.get("_error"):
                self._refused(record["callback"], error)

    def _refused(self, report: DeliveryCallback, error: KafkaError) -> None:
        raise_if_fatal(error)
        report(error, None)

    def _reporter_of(self, record: Record, now: float) -> DeliveryCallback:
        number = next(self._numbers)
        self._given[number] = now
        return partial(self._report, number, record)

    def _report(self, number: int, record: Record, error: KafkaError | None, message: Any) -> None:
        waited = time.monotonic() - self._given.pop(number)
        if error is None:
            self.deliveries.report(None, message)
            return
        self.deliveries.note(error)
        code = error.code()
        reason = _UNDER_WAY if code == KafkaError._PURGE_INFLIGHT else error.str()
        recalled = code == KafkaError._PURGE_QUEUE
        self._returned.append(Returned(number, record, reason, recalled, waited))

    def take_returned(self) -> list[Returned]:
        """What was reported as not delivered since the last call; ``deliveries`` has the others."""
        returned, self._returned = self._returned, []
        return returned

    def recall(self) -> None:
        """Take back all that has not been sent; it comes as ``returned``, marked so.

        What is under way to the broker stays so, until it is reported. Give it nothing
        new before ``renew``: the gap in its numbers would mix up an idempotent client.
        """
        self._client.purge(in_queue=True, in_flight=False)

    def abandon(self) -> None:
        """Give up every record; what is under way to the broker may arrive all the same."""
        self._client.purge(in_queue=True, in_flight=True)


def limited(kafka: KafkaConfig, topic_bytes: int | None) -> KafkaConfig:
    """The configuration for a topic whose batches may be that long (``max.message.bytes``).

    So a record that the broker would refuse is refused here, alone: the broker refuses
    the whole batch that it is in. What the user has set stays.
    """
    if topic_bytes is None:
        return kafka
    ours = {
        "message.max.bytes": str(max(1000, topic_bytes - _BATCH_HEAD)),
        "batch.size": str(min(_DEFAULT_BYTES, topic_bytes)),
    }
    return KafkaConfig(
        bootstrap_servers=kafka.bootstrap_servers,
        properties={**ours, **kafka.properties},
        secret_variables=kafka.secret_variables,
    )
