"""Dead letters: the raw record with the reason in its headers, acknowledged before it counts."""

import time
from collections.abc import Callable
from typing import Any

import msgspec
from confluent_kafka import KafkaError, KafkaException, Producer

from ticketpool import crash, log
from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition, RawRecord
from ticketpool.core.policy import Backoff
from ticketpool.kafka.cluster import make_client
from ticketpool.kafka.quiet import BrokerWatch, quiet_logger
from ticketpool.kafka.settings import producer_properties

_BACKOFF = Backoff(base_seconds=0.5, max_seconds=30.0)
_NO_JITTER = 0.0

_log = log.get("ticketpool.dead_letter")


class Reason(msgspec.Struct, frozen=True):
    """Why a record is dead: attempts made, class of the error and its message."""

    attempts: int
    error: str
    message: str


class _Letter:
    """A dead letter until it is acknowledged."""

    def __init__(
        self, topic: str, record: RawRecord, headers: list[Any], done: Callable[[], None]
    ) -> None:
        self.topic, self.record, self.headers, self.done = topic, record, headers, done
        self.failures = 0
        self.due = 0.0

    @property
    def origin(self) -> Partition:
        return Partition(self.record.topic() or "", self.record.partition() or 0)


class DeadLetters:
    """*Supervisor side.* Writes dead letters, and goes on trying until they are acknowledged.

    The producer is made with the first letter: most services never need it.
    """

    def __init__(self, kafka: KafkaConfig, group: str) -> None:
        self._kafka = kafka
        self._group = group
        self._watch = BrokerWatch(kafka.bootstrap_servers)
        self._producer: Producer | None = None
        self._timed_out = False  # and no letter was acknowledged since
        self._waiting: list[_Letter] = []
        self.unacknowledged = 0

    def write(
        self, topic: str, record: RawRecord, reason: Reason, done: Callable[[], None]
    ) -> None:
        """Write the record to ``topic``; ``done`` is called from ``tend`` once it is safe.

        Never raises and never gives up: the partition waits for ``done``.
        """
        self.unacknowledged += 1
        headers = [*(record.headers() or ()), *_headers(record, reason, self._group)]
        self._send(_Letter(topic, record, headers, done))

    def forget(self, partition: Partition) -> None:
        """Try no more for the letters of a partition that is not ours any more."""
        self._waiting = [letter for letter in self._waiting if letter.origin != partition]

    def tend(self) -> None:
        """Take acknowledgements, and send again what failed and is due."""
        if self._producer is not None:
            self._serve(self._producer)
        if not self._waiting:
            return
        now = time.monotonic()
        due = [letter for letter in self._waiting if letter.due <= now]
        self._waiting = [letter for letter in self._waiting if letter.due > now]
        for letter in due:
            self._send(letter)

    def _serve(self, producer: Producer) -> None:
        producer.poll(0)
        if self._timed_out and not len(producer):
            # It may be stuck for ever: see TicketProducer. The next letter makes a new one.
            self._producer, self._timed_out = None, False

    def _send(self, letter: _Letter) -> None:
        record = letter.record
        try:
            self._ready().produce(
                letter.topic,
                value=record.value(),
                key=record.key(),
                headers=letter.headers,
                on_delivery=lambda error, _: self._delivered(letter, error),
            )
        except KafkaException as error:
            self._failed(letter, error.args[0].str())
        except BufferError:
            self._failed(letter, "the producer's queue is full")

    def _ready(self) -> Producer:
        if self._producer is None:
            properties = producer_properties(
                self._kafka, partitioner="murmur2_random", compression="lz4",
                delivery_timeout_seconds=30.0,
            )  # fmt: skip
            self._producer = make_client(
                Producer,
                {
                    "message.max.bytes": 64 << 20,  # let the topic's own limit decide
                    # How long a missing topic might yet appear; 30 s of silence by default.
                    "topic.metadata.propagation.max.ms": 3_000,
                    **properties,
                    "error_cb": self._watch.error,
                    "logger": quiet_logger(),
                },
            )
        return self._producer

    def _delivered(self, letter: _Letter, error: KafkaError | None) -> None:
        try:
            if error is not None:
                self._timed_out = self._timed_out or error.code() == KafkaError._MSG_TIMED_OUT
                self._failed(letter, error.str())
                return
            self._timed_out = False
            self.unacknowledged -= 1
            crash.point("supervisor:before-dead-letter-ack")
            letter.done()
            crash.point("supervisor:after-dead-letter-ack")
        except Exception:  # a callback of librdkafka: nothing may be raised
            _log.exception("dead letter not settled", partition=str(letter.origin))

    def _failed(self, letter: _Letter, why: str) -> None:
        letter.failures += 1
        delay = _BACKOFF.delay(letter.failures, _NO_JITTER)
        letter.due = time.monotonic() + delay
        self._waiting.append(letter)
        _log.error(
            "dead letter not written, the partition waits",
            topic=letter.origin.topic,
            partition=letter.origin.number,
            offset=letter.record.offset(),
            dead_letter_topic=letter.topic,
            error=why,
            failures=letter.failures,
            again_in_seconds=delay,
            mend="create the topic or set --dead-letter-topic",
        )


def _headers(record: RawRecord, reason: Reason, group: str) -> list[tuple[str, bytes]]:
    texts = {
        "ticketpool-topic": record.topic() or "",
        "ticketpool-partition": str(record.partition()),
        "ticketpool-offset": str(record.offset()),
        "ticketpool-timestamp": str(record.timestamp()[1]),
        "ticketpool-group": group,
        "ticketpool-attempts": str(reason.attempts),
        "ticketpool-error": reason.error,
        "ticketpool-message": reason.message,
    }
    return [(name, text.encode()) for name, text in texts.items()]
