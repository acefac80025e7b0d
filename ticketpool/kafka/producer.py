"""The one wrapper of librdkafka's producer, for ``produce`` and for dead letters.

acks=all and idempotent; what it has accepted is delivered in order per
partition or reported as failed. Not thread safe: one thread owns it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from ticketpool.config import KafkaConfig
from ticketpool.errors import TicketpoolError
from ticketpool.kafka.cluster import make_client
from ticketpool.kafka.deliveries import Deliveries, DeliveryCallback
from ticketpool.kafka.quiet import quiet_logger
from ticketpool.kafka.settings import producer_properties
from ticketpool.kafka.statistics import statistics_of

OnDelivery = Callable[[str | None], None]
"""Called with ``None`` once the record is acknowledged, else with the reason why not."""
OnOutage = Callable[[str | None], None]
"""Called once with the reason when no broker can be reached, and with ``None`` when one is back."""

_POLL_SECONDS = 0.1  # poll reacts to signals and room no later than this
_STATISTICS_MS = 200  # to see when the idempotent producer has its id, and a broker is back


class TicketProducer:
    """A producer that never drops: it waits while its local queue is full.

    Delivery callbacks run inside ``poll``, ``produce`` and ``flush`` on the
    calling thread; what they raise is swallowed and logged.

    Args:
        tuning: librdkafka properties under the user's own (``-X`` wins).
        on_outage: see ``OnOutage``; runs inside ``poll``.

    Raises:
        ConfigError: librdkafka refuses a property.
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
        properties = producer_properties(
            kafka,
            partitioner=partitioner,
            compression=compression,
            delivery_timeout_seconds=delivery_timeout_seconds,
        )
        self._properties = {
            "statistics.interval.ms": _STATISTICS_MS,
            **(tuning or {}),
            **properties,
        }
        self._on_outage = on_outage or _ignore
        self._down = False
        self._failure = ""
        self._identified = False
        self._logger = quiet_logger()
        self.deliveries = Deliveries()
        self._client = self._connect()
        self._max_records = self._number("queue.buffering.max.messages", 100_000) or 1 << 31
        self._max_bytes = self._number("queue.buffering.max.kbytes", 1 << 20) << 10

    def _connect(self) -> Producer:
        return make_client(Producer, {**self._properties, **self._callbacks()})

    def _renewing(self) -> bool:
        """Whether no record is taken until those in the queue are reported.

        When all that it has had for a whole delivery timeout has timed out, the client
        may be stuck for ever, though the broker is back: librdkafka's idempotent producer
        was seen to deliver nothing for half an hour after a restart of the broker. So a
        new one takes its place, once it is empty: nothing is sent twice, and order holds.
        """
        if not self.deliveries.timed_out:
            return False
        if len(self._client):
            return True
        self.renew()
        return False

    def renew(self) -> None:
        """Go on with a new client, once this one is empty."""
        self._client = self._connect()
        self.deliveries.timed_out = False

    def _number(self, name: str, default: int) -> int:
        return int(str(self._properties.get(name, default)))  # librdkafka has checked it

    def _callbacks(self) -> dict[str, object]:
        return {
            "error_cb": self._on_error,
            "stats_cb": self._on_statistics,
            "logger": self._logger,
        }

    def __len__(self) -> int:
        """Records accepted whose delivery has not been reported yet."""
        return len(self._client)

    def warm_up(self, topic: str, seconds: float) -> bool:
        """Connect, learn the topic's partitions and get the idempotent producer's id.

        Without it the first records wait for that, up to half a second. Returns
        whether it was done within ``seconds``; later is no harm.
        """
        try:
            self._client.list_topics(topic, timeout=seconds)
        except KafkaException:
            return False
        for _ in range(max(1, int(seconds / _POLL_SECONDS))):
            if self._identified:
                break
            self.poll(_POLL_SECONDS)
        return self._identified

    def room(self, record_bytes: int) -> int:
        """How many records of at most that many bytes (key and value) the local queue
        surely takes now; at least 1 when it is empty, and 0 while it is being given up."""
        if self._renewing():
            return 0
        waiting = len(self._client)
        room = min(self._max_records, self._max_bytes // max(record_bytes, 1)) - waiting
        return room if waiting else max(room, 1)

    def produce_batch(self, topic: str, records: list[dict[str, Any]]) -> None:
        """Queue records (dicts of ``key`` and ``value``) in order; reports go to ``deliveries``.

        Ask ``room`` before and give no more: librdkafka goes on behind a record
        that finds the queue full, so a retry of it would break the order. A
        record that it refuses (too large, …) is counted in ``deliveries.failures``.

        Raises:
            TicketpoolError: the producer has failed for good and must be made anew.
        """
        try:
            taken = self._client.produce_batch(topic, records, on_delivery=self.deliveries.report)
        except KafkaException as error:
            raise _broken(error.args[0]) from None
        if taken < len(records):
            self._count_refused(records)

    def _count_refused(self, records: Sequence[dict[str, Any]]) -> None:
        for record in records:
            if error := record.get("_error"):
                self.deliveries.fail(error.str())
                raise_if_fatal(error)

    def offer(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None = None,
        headers: Sequence[tuple[str, bytes | None]] = (),
        on_delivery: OnDelivery | None = None,
    ) -> bool:
        """Queue one record; ``False``, and nothing done, when the local queue is full or
        its records have all timed out.

        A record that is refused at once (too large, …) is told to ``on_delivery``
        before this returns ``True``. Never blocks.

        Raises:
            TicketpoolError: the producer has failed for good and must be made anew.
        """

        def tell(error: KafkaError | None, message: Any) -> None:
            (on_delivery or _ignore)(None if error is None else error.str())

        return self._queue(topic, value, key, headers, 0, self._reporter(tell))

    def _queue(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        headers: Sequence[tuple[str, bytes | None]],
        timestamp_ms: int,
        report: DeliveryCallback,
    ) -> bool:
        """As ``offer``; ``timestamp_ms`` 0: that of sending."""
        if self._renewing():
            return False
        try:
            self._client.produce(
                topic, value, key, headers=list(headers), timestamp=timestamp_ms, on_delivery=report
            )
        except BufferError:
            return False
        except KafkaException as error:
            raise_if_fatal(error.args[0])
            report(error.args[0], None)
        return True

    def produce(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None = None,
        headers: Sequence[tuple[str, bytes | None]] = (),
        on_delivery: OnDelivery | None = None,
    ) -> None:
        """As ``offer``, but waits for room, running other records' callbacks meanwhile."""
        while not self.offer(topic, value, key, headers, on_delivery):
            self.poll(_POLL_SECONDS)

    def _reporter(self, tell: DeliveryCallback) -> DeliveryCallback:
        """``tell``, for librdkafka to call: what it raises is logged, and harms no other."""

        def report(error: KafkaError | None, message: Any) -> None:
            try:
                self.deliveries.note(error)
                if error is None and self._down:
                    self._outage(None)
                tell(error, message)
            except Exception:
                self._logger.exception("a delivery callback failed")

        return report

    def poll(self, seconds: float = 0.0) -> int:
        """Run the callbacks that are due, waiting for the first up to ``seconds``."""
        served = self._client.poll(seconds)
        if self._down and self.deliveries.latencies:
            self._outage(None)
        return served

    def flush(self, seconds: float) -> int:
        """Wait until all is reported, up to ``seconds``; returns how many records are not."""
        return self._client.flush(seconds)

    def _on_error(self, error: KafkaError) -> None:
        try:
            if error.code() == KafkaError._ALL_BROKERS_DOWN:
                self._outage(self._failure or error.str())
            elif error.code() == KafkaError._AUTHENTICATION or error.fatal():
                self._logger.error("%s [%s] %s", error.name(), "producer", error.str())
            else:
                self._failure = error.str()
        except Exception:
            self._logger.exception("an error callback failed")

    def _outage(self, reason: str | None) -> None:
        if self._down != (reason is not None):
            self._down = reason is not None
            self._on_outage(reason)

    def _on_statistics(self, text: str) -> None:
        if self._identified and not self._down:
            return
        try:
            statistics = statistics_of(text)
            self._identified = self._identified or statistics.identified
            if self._down and statistics.connected:
                self._outage(None)  # also when there is nothing to be delivered
        except Exception:
            self._logger.exception("statistics that cannot be read")


def _ignore(_: object) -> None:
    pass


def _broken(error: KafkaError) -> TicketpoolError:
    return TicketpoolError(f"the Kafka producer has failed for good: {error.str()}")


def raise_if_fatal(error: KafkaError) -> None:
    """Raises ``TicketpoolError`` when a client with this error is of no use any more."""
    if error.fatal() or error.code() == KafkaError._FATAL:
        raise _broken(error) from None
