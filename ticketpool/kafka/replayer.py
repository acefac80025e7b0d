"""Writing letters back to the topics that they came from, until the first that fails."""

import time
from collections.abc import Callable, Sequence

from confluent_kafka import KafkaError, KafkaException, Producer

from ticketpool.config import KafkaConfig
from ticketpool.errors import BrokerUnreachable, NotAuthorised, NotDelivered, TicketpoolError
from ticketpool.kafka.cluster import DENIED, make_client
from ticketpool.kafka.quiet import BrokerWatch, quiet_logger
from ticketpool.kafka.settings import producer_properties

STUCK_SECONDS = 30.0
"""So long without an acknowledgement, and the replay stops."""

_BY_KEY = -1  # RD_KAFKA_PARTITION_UA: the partitioner decides

MOST_RECORDS, MOST_BYTES = 1_000, 16 << 20
"""On their way at a time."""


class Replayer:
    """*Command side.* An idempotent producer that gives nothing up: order holds in each partition.

    The first failure is the end: ``failure`` tells of it; give it nothing more. One thread only.
    """

    def __init__(self, kafka: KafkaConfig) -> None:
        self.failure: TicketpoolError | None = None
        self._kafka = kafka
        self._watch = BrokerWatch(kafka.bootstrap_servers)
        self._bytes = 0
        self._heard = time.monotonic()
        properties = producer_properties(
            kafka, partitioner="murmur2_random", compression="lz4", delivery_timeout_seconds=0.0
        )
        self._client = make_client(
            Producer,
            {
                "message.max.bytes": 64 << 20,
                # A broker refuses a batch as a whole; larger records travel alone.
                "batch.size": 16 << 10,
                "topic.metadata.propagation.max.ms": 3_000,
                **properties,
                "error_cb": self._watch.error,
                "logger": quiet_logger(),
            },
        )

    @property
    def waiting(self) -> int:
        """Records that are not acknowledged."""
        return len(self._client)

    @property
    def full(self) -> bool:
        """Whether to wait before more is sent."""
        return self.waiting >= MOST_RECORDS or self._bytes >= MOST_BYTES

    def send(
        self,
        topic: str,
        partition: int | None,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]],
        written: Callable[[], None],
        name: str,
    ) -> None:
        """Queue a record; ``written`` is called from ``tend`` once it is acknowledged.

        ``partition``: ``None``: that of the key, as Java clients choose it. ``name``: of the
        letter, should it fail.
        """
        size = self._begin(key, value)

        def report(error: KafkaError | None, _: object) -> None:
            self._bytes -= size
            self._reported(topic, name, error, written)

        where = _BY_KEY if partition is None else partition
        try:
            self._client.produce(
                topic, value, key, partition=where, headers=list(headers), on_delivery=report
            )
        except (KafkaException, BufferError) as error:
            known = error.args[0] if isinstance(error, KafkaException) else None
            report(known or KafkaError(KafkaError._QUEUE_FULL), None)

    def _begin(self, key: bytes | None, value: bytes | None) -> int:
        """The bytes of a record that is about to be on its way."""
        if not self.waiting:
            self._heard = time.monotonic()
        size = len(key or b"") + len(value or b"")
        self._bytes += size
        return size

    def _reported(
        self, topic: str, name: str, error: KafkaError | None, written: Callable[[], None]
    ) -> None:
        if error is None:
            self._heard = time.monotonic()
            written()
        elif self.failure is None:
            self.failure = _explained(topic, name, error)

    def tend(self, seconds: float) -> None:
        """Take acknowledgements, waiting for the first up to ``seconds``."""
        self._client.poll(seconds)
        if self.failure is None and self.waiting:
            if time.monotonic() - self._heard > STUCK_SECONDS:
                self.failure = BrokerUnreachable(
                    f"{self._kafka.bootstrap_servers} has acknowledged nothing for "
                    f"{STUCK_SECONDS:.0f} s"
                )

    def recall(self) -> None:
        """Take back what has not been sent; the rest is to be waited for."""
        self._client.purge(in_flight=False)

    def drop(self) -> None:
        """Give up what is still on its way; it may have arrived."""
        self._client.purge()
        self._client.flush(1.0)


def _explained(topic: str, name: str, error: KafkaError) -> TicketpoolError:
    if error.code() in DENIED:
        return NotAuthorised(
            f"we may not write to topic {topic!r} ({error.str()}); allow it to this user "
            "(ACL), or check the sasl.* and ssl.* properties (-X)"
        )
    return NotDelivered(f"topic {topic!r} does not take letter {name}: {error.str()}")
