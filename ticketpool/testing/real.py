"""The real pool on an embedded cluster, for the fixture ``ticket_pool``."""

import contextlib
import time
from collections.abc import Iterable, Sequence
from typing import Protocol, Unpack

from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition, Record, from_millis
from ticketpool.core.status import ServiceStatus
from ticketpool.core.values import SendableText
from ticketpool.errors import ConfigError
from ticketpool.kafka.embedded import FETCH_PROPERTY, EmbeddedCluster
from ticketpool.kafka.reader import Reader
from ticketpool.library.names import Handler
from ticketpool.library.options import PoolOptions
from ticketpool.library.pool import Pool
from ticketpool.library.producer import Producer
from ticketpool.supervisor import Summary

_LOOK_SECONDS = 0.05
_QUICK: PoolOptions = {"workers": 1, "backoff": 0.01, "commit_interval": 0.1}
"""A test waits for what it does, and wants no second of it."""


class TicketPool:
    """A handler at work: worker processes, a supervisor, and Kafka's protocol, all on loopback.

    Made by the fixture ``ticket_pool``, which ends it.
    """

    def __init__(
        self, handler: Handler, topics: Sequence[str], options: PoolOptions, seconds: float
    ) -> None:
        self._seconds = seconds
        self._written: dict[Partition, int] = {}
        with contextlib.ExitStack() as stack:
            letters = [options.get("dead_letter_topic") or f"{topic}.dlq" for topic in topics]
            self._cluster = stack.enter_context(EmbeddedCluster([*topics, *letters]))
            self._topics, self._letters = tuple(topics), tuple(dict.fromkeys(letters))
            self._producer = Producer(bootstrap_servers=self.bootstrap_servers)
            stack.callback(self._producer.close)
            self._pool = Pool(handler, **self._options(options))
            self._pool.start()
            stack.callback(self.stop)
            self._stack = stack.pop_all()

    def _options(self, given: PoolOptions) -> PoolOptions:
        name, _, value = FETCH_PROPERTY.partition("=")
        options: PoolOptions = {**_QUICK, "topics": self._topics, **given}
        options["bootstrap_servers"] = self.bootstrap_servers
        options["properties"] = {name: value, **given.get("properties", {})}
        return options

    @property
    def bootstrap_servers(self) -> str:
        """Of the cluster, for clients of the test's own."""
        return self._cluster.bootstrap

    def produce(
        self,
        *values: object,
        key: SendableText | None = None,
        topic: str | None = None,
        headers: Iterable[tuple[str, SendableText | None]] = (),
    ) -> None:
        """Write records, encoded as ``Producer.send`` does, and wait until they are written.

        Args:
            key: of all of them; with one they are in one partition, in this order.
            topic: the pool's first by default.
        """
        where, headers = topic or self._topics[0], list(headers)
        sent = [self._producer.send(where, value, key=key, headers=headers) for value in values]
        for delivery in sent:
            written = delivery.result(self._seconds)
            at = Partition(written.topic, written.partition)
            self._written[at] = max(self._written.get(at, 0), written.offset + 1)

    def settle(self) -> ServiceStatus:
        """Wait until all that was produced is handled, or its dead letter written.

        Raises:
            TimeoutError: it is not in time; the message says which records are left.
            TicketpoolError: the pool has ended meanwhile, and why.
        """
        deadline = time.monotonic() + self._seconds
        while left := self._unsettled(status := self._pool.status()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not settled within {self._seconds:g} s: {', '.join(left)}")
            time.sleep(_LOOK_SECONDS)  # the pool makes a status now and then, and tells nobody
        return status

    def _unsettled(self, status: ServiceStatus) -> list[str]:
        positions = {
            Partition(one.topic, one.partition): one.position or 0 for one in status.partitions
        }
        return [
            f"{at} from offset {positions.get(at, 0)} to {end - 1}"
            for at, end in self._written.items()
            if at.topic in self._topics and positions.get(at, 0) < end
        ]

    def dead_letters(self) -> list[Record]:
        """What stands in the dead-letter topics; ``ticketpool-*`` headers tell why."""
        return [record for topic in self._letters for record in self.read(topic)]

    def read(self, topic: str) -> list[Record]:
        """All records of a topic, in order per partition."""
        reader = Reader(KafkaConfig(bootstrap_servers=self.bootstrap_servers), [topic])
        return [
            Record(
                topic,
                one.partition() or 0,
                one.offset() or 0,
                one.key(),
                one.value(),
                tuple(one.headers() or ()),
                from_millis(one.timestamp()[1]),
            )
            for batch in reader.batches()
            for one in batch
        ]

    def status(self) -> ServiceStatus:
        """As ``Pool.status``."""
        return self._pool.status()

    def stop(self) -> Summary:
        """As ``Pool.stop``; the fixture calls it when the test has not."""
        return self._pool.stop()

    def close(self) -> None:
        """*Fixture's.* Stop, and end the cluster."""
        self._stack.close()


class Start(Protocol):
    """What the fixture ``ticket_pool`` is: starts a pool for a handler."""

    def __call__(
        self,
        handler: Handler,
        *,
        timeout: float = 30.0,
        **options: Unpack[PoolOptions],
    ) -> TicketPool:
        """Start one.

        Args:
            handler: what workers can import: ``"module:function"`` or a function at the top
                of the test's own file.
            timeout: seconds that each wait for it may take.
            options: see ``PoolOptions``; by default one worker, and shorter waits.
        """


def start(
    stack: contextlib.ExitStack, handler: Handler, timeout: float, options: PoolOptions
) -> TicketPool:
    """A pool that ends with the stack. Raises what ``Pool.start`` does."""
    topics = options.get("topics", ("tickets",))
    if "bootstrap_servers" in options:
        raise ConfigError("ticket_pool brings a cluster of its own; leave bootstrap_servers out")
    pool = TicketPool(handler, (topics,) if isinstance(topics, str) else topics, options, timeout)
    stack.callback(pool.close)
    return pool
