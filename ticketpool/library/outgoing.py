"""What programs send: a record, encoded, on its way to the pump."""

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Literal, TypedDict

from ticketpool.config import KafkaConfig
from ticketpool.core.values import SendableText, encoded, raw
from ticketpool.kafka.sender import Sender
from ticketpool.library.delivery import Delivery
from ticketpool.library.options import kafka_config
from ticketpool.library.pump import Pump

_log = logging.getLogger("ticketpool.producer")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ProducerOptions(TypedDict, total=False):
    """Options of ``Producer`` and ``AsyncProducer``.

    Attributes:
        bootstrap_servers: comma-separated ``host:port``; default ``localhost:9092``.
        properties: librdkafka's, by name; a secret as it is, or as ``env:NAME`` or ``file:PATH``.
            ``queue.buffering.max.messages`` (100,000) and ``queue.buffering.max.kbytes`` (1 GiB)
            are the buffer that a full ``send`` waits for.
        compression: default ``lz4``.
        partitioner: where a key goes; default ``murmur2``, as Java clients do.
        delivery_timeout: seconds until an unacknowledged record is given up; default 120.
    """

    bootstrap_servers: str
    properties: Mapping[str, str]
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"]
    partitioner: str
    delivery_timeout: float


class Outgoing:
    """One record, encoded, and its outcome."""

    def __init__(
        self,
        pump: Pump,
        topic: str,
        value: object,
        key: SendableText | None,
        headers: Iterable[tuple[str, SendableText | None]],
        timestamp: datetime | None,
    ) -> None:
        self._pump = pump
        self._value = encoded("send", value)
        self._headers = [(name, raw("send", f"header {name!r}", text)) for name, text in headers]
        self._timestamp_ms = _millis(timestamp)
        self.delivery = Delivery(topic, raw("send", "the key", key), pump.told)

    def offer(self) -> bool:
        """See ``Pump.offer``."""
        return self._pump.offer(self.delivery, self._value, self._headers, self._timestamp_ms)


def _millis(timestamp: datetime | None) -> int:
    """As Kafka counts; 0: now."""
    if timestamp is None:
        return 0
    if timestamp.tzinfo is None:
        raise ValueError(f"send: timestamp {timestamp} has no time zone; give it one (UTC)")
    return int((timestamp - _EPOCH).total_seconds() * 1000)


def pump_of(options: ProducerOptions) -> Pump:
    """A producer's inside. Raises ``ConfigError``."""
    given: ProducerOptions = {**_DEFAULTS, **options}
    servers, timeout = given["bootstrap_servers"], given["delivery_timeout"]
    sender = Sender(
        kafka_config(servers, given["properties"]),
        partitioner=given["partitioner"],
        compression=given["compression"],
        delivery_timeout_seconds=timeout,
        on_outage=_tell_outage,
    )
    return Pump(sender, servers, timeout)


_DEFAULTS: ProducerOptions = {
    "bootstrap_servers": KafkaConfig().bootstrap_servers,
    "properties": {},
    "compression": "lz4",
    "partitioner": "murmur2",
    "delivery_timeout": 120.0,
}


def _tell_outage(reason: str | None) -> None:
    if reason is None:
        _log.info("brokers reachable again")
    else:
        _log.warning("brokers unreachable, trying on: %s", reason)
