"""The supervisor's one producer: dead letters and what handlers send, until acknowledged.

Records of one *origin* (the partition that a ticket came from) to one topic form a
stream. A stream is written in order: behind a record that failed the others wait, and
are written again after it. So for each origin, the records of a key stand in the order
in which they were given, read by their first appearance: a repetition may follow.
"""

import time
from abc import ABC, abstractmethod
from bisect import insort
from collections.abc import Sequence
from itertools import count
from operator import attrgetter
from typing import Protocol

from confluent_kafka import KafkaError, KafkaException, Producer

from ticketpool import log
from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition
from ticketpool.core.policy import Backoff
from ticketpool.kafka.cluster import make_client
from ticketpool.kafka.delays import Delays
from ticketpool.kafka.quiet import BrokerWatch, quiet_logger
from ticketpool.kafka.settings import producer_properties

STUCK_SECONDS = 30.0
"""A producer that has had records for so long without an acknowledgement is given up."""

BACKOFF = Backoff(base_seconds=0.5, max_seconds=30.0)
NO_JITTER = 0.0

HOPELESS = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.INVALID_RECORD,
        KafkaError.INVALID_TIMESTAMP,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError._INVALID_ARG,
    }
)
"""What lies in the record and no waiting mends."""

_PURGED = frozenset({KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT})
TOO_LARGE = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE})
BATCH_BYTES = "1000000"  # batch.size by default: what is larger travels alone

_number = attrgetter("number")

_log = log.get("ticketpool.outlet")


class Outgoing(ABC):
    """*Supervisor side.* A record to be written, and who waits for it.

    Attributes:
        origin, offset: the ticket that it goes back to; each partition's order is kept.
        number: rises in the order in which records were given to the outlet.
        kind: output or dead-letter.
    """

    number = 0
    kind = "output"

    def __init__(
        self,
        origin: Partition,
        offset: int,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]],
    ) -> None:
        self.origin, self.offset, self.topic = origin, offset, topic
        self.key, self.value, self.headers = key, value, headers

    @property
    def bytes(self) -> int:
        """Of its value and key."""
        return len(self.value or b"") + len(self.key or b"")

    @property
    def void(self) -> bool:
        """Whether it is not to be written any more, where that can be helped: its ticket has
        failed for another record."""
        return False

    @abstractmethod
    def written(self) -> None:
        """Kafka has acknowledged it."""

    @abstractmethod
    def refused(self, why: str) -> bool:
        """It will never be taken as it is; whether its owner has found another way, so that
        it need not be tried again."""

    @abstractmethod
    def delayed(self, why: str, failures: int, seconds: float) -> None:
        """It, and its stream, wait for so long before the next try; to be told to people."""


class Carrier(Protocol):
    """*Supervisor side.* What has records written for dead letters and outputs."""

    delays: Delays

    def send(self, outgoing: Outgoing) -> None: ...
    def forget(self, origin: Partition) -> None: ...
    def tend(self) -> None: ...


class _Stream:
    """Records of one origin to one topic.

    Attributes:
        in_flight: given to the client and not reported.
        waiting: to be given to it, in order; while there are any, others join them.
        failures: tries in a row that failed; ``due``: time of the next.
        forgotten: nobody waits for them any more.
    """

    __slots__ = ("due", "failures", "forgotten", "in_flight", "waiting")

    def __init__(self) -> None:
        self.forgotten = False
        self.in_flight = self.failures = 0
        self.waiting: list[Outgoing] = []
        self.due = 0.0


class Outlet:
    """*Supervisor side.* Writes records, and goes on trying until they are acknowledged.

    The client is made with the first record: many services never need it. It never times
    a record out, for the next might overtake it then; what is stuck is given up as a
    whole, and written again in order by a new client. One thread only.
    """

    def __init__(self, kafka: KafkaConfig) -> None:
        self._kafka = kafka
        self._batch_bytes = int(kafka.properties.get("batch.size", BATCH_BYTES))
        self._watch = BrokerWatch(kafka.bootstrap_servers)
        self._producer: Producer | None = None
        self._streams: dict[tuple[Partition, str], _Stream] = {}
        self._blocked: dict[_Stream, None] = {}  # those with records that wait, as a set
        self._numbers = count(1)
        self._giving_up = False  # the client is emptied and then let go
        self._singly = False  # one record a batch: some topic takes no larger ones
        self._heard = 0.0  # of an acknowledgement, or of nothing to acknowledge
        self.delays = Delays()

    def send(self, outgoing: Outgoing) -> None:
        """Write a record; ``outgoing.written`` is called from ``tend`` once it is safe.

        Never raises, never blocks and never gives up.
        """
        outgoing.number = next(self._numbers)
        where = outgoing.origin, outgoing.topic
        stream = self._streams.get(where)
        if stream is None:
            stream = self._streams[where] = _Stream()
        self._offer(stream, outgoing)

    def forget(self, origin: Partition) -> None:
        """Try no more for what goes back to a partition that is not ours any more."""
        for where in [where for where in self._streams if where[0] == origin]:
            stream = self._streams.pop(where)
            stream.forgotten = True
            self._blocked.pop(stream, None)
        self.delays.forget(origin)

    def tend(self) -> None:
        """Take acknowledgements, and write again what failed and is due."""
        if self._producer is not None:
            self._serve(self._producer)
        if self._blocked and not self._giving_up:
            now = time.monotonic()
            for stream in [one for one in self._blocked if one.due <= now and not one.in_flight]:
                self._resume(stream)

    def _resume(self, stream: _Stream) -> None:
        waiting, stream.waiting = stream.waiting, []
        del self._blocked[stream]
        for outgoing in waiting:
            self._offer(stream, outgoing)

    def _serve(self, producer: Producer) -> None:
        producer.poll(0)
        left = len(producer)
        if self._giving_up and not left:
            self._producer, self._giving_up = None, False
            return
        now = time.monotonic()
        if not left:
            self._heard = now
        elif now - self._heard > STUCK_SECONDS:
            # librdkafka's idempotent producer was seen to deliver nothing for half an hour
            # after a restart of the broker. All that it holds is reported as purged now.
            _log.warning(
                "nothing was acknowledged, the producer is made anew",
                records=left,
                seconds=round(now - self._heard, 1),
            )
            self._heard, self._giving_up = now, True
            producer.purge()

    def _ready(self) -> Producer:
        if self._producer is None:
            properties = producer_properties(
                self._kafka, partitioner="murmur2_random", compression="lz4",
                delivery_timeout_seconds=0.0,  # no limit
            )  # fmt: skip
            self._heard = time.monotonic()
            self._producer = make_client(
                Producer,
                {
                    "message.max.bytes": 64 << 20,  # let the topic's own limit decide
                    # How long a missing topic might yet appear; 30 s of silence by default.
                    "topic.metadata.propagation.max.ms": 3_000,
                    **properties,
                    **({"batch.num.messages": 1} if self._singly else {}),
                    "error_cb": self._watch.error,
                    "logger": quiet_logger(),
                },
            )
        return self._producer

    # -- one record ---------------------------------------------------------------------

    def _offer(self, stream: _Stream, outgoing: Outgoing) -> None:
        if stream.waiting or self._giving_up:
            self._wait(stream, outgoing)
            return
        try:
            self._ready().produce(
                outgoing.topic,
                value=outgoing.value,
                key=outgoing.key,
                headers=list(outgoing.headers),
                on_delivery=lambda error, _: self._reported(stream, outgoing, error),
            )
        except KafkaException as error:
            self._failed(stream, outgoing, error.args[0])
        except BufferError:  # the client's queue is full
            self._wait(stream, outgoing)
        else:
            stream.in_flight += 1

    def _wait(self, stream: _Stream, outgoing: Outgoing) -> None:
        if stream.forgotten:
            return
        insort(stream.waiting, outgoing, key=_number)
        self._blocked[stream] = None

    def _reported(self, stream: _Stream, outgoing: Outgoing, error: KafkaError | None) -> None:
        try:
            stream.in_flight -= 1
            if error is not None:
                self._failed(stream, outgoing, error)
                return
            self._heard = time.monotonic()
            stream.failures = 0
            self.delays.over(outgoing.origin, outgoing.topic)
            outgoing.written()
        except Exception:  # a callback of librdkafka: nothing may be raised
            topic, partition = outgoing.origin
            _log.exception("a written record was not settled", topic=topic, partition=partition)

    def _failed(self, stream: _Stream, outgoing: Outgoing, error: KafkaError) -> None:
        if error.fatal() or error.code() == KafkaError._FATAL:
            self._heard = float("-inf")  # the client is of no use any more
        elif error.code() in TOO_LARGE and not self._was_alone(outgoing):
            self._write_singly(outgoing)
        elif error.code() in HOPELESS and outgoing.refused(error.str()):
            return
        self._wait(stream, outgoing)
        now = time.monotonic()
        if stream.due > now or error.code() in _PURGED:
            return  # told already, with those that failed at the same time; or not its failure
        stream.failures += 1
        delay = BACKOFF.delay(stream.failures, NO_JITTER)
        stream.due = now + delay
        self.delays.note(outgoing, error.str())
        outgoing.delayed(error.str(), stream.failures, delay)

    def _was_alone(self, outgoing: Outgoing) -> bool:
        singly = self._singly and not self._giving_up  # else the client is still the one before
        return singly or outgoing.bytes >= self._batch_bytes

    def _write_singly(self, outgoing: Outgoing) -> None:
        """The broker refuses a batch as a whole: find out which of its records is too large."""
        self._singly = True
        self._giving_up = self._producer is not None
        _log.warning(
            "a batch was too large for its topic, records are written one by one from now on",
            topic=outgoing.topic,
            setting="-X batch.size, below the topic's max.message.bytes",
        )
