"""``ticketpool.Producer`` and ``ticketpool.AsyncProducer``: records from programs."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from types import TracebackType
from typing import Self, Unpack

from ticketpool.core.values import SendableText
from ticketpool.library.delivery import Delivery
from ticketpool.library.leaving import beside
from ticketpool.library.outgoing import Outgoing, ProducerOptions, pump_of


class Producer:
    """Sends records: in order per key, acknowledged by all replicas in sync, never dropped.

    Any thread may send; the order is that of one thread's calls. Made before a fork, it
    can't be used after it.

    Args:
        options: see ``ProducerOptions``.

    Raises:
        ConfigError: an option is wrong. That no broker answers is waited for, not raised.

    As a context manager: leaving it waits for what is under way, and raises ``NotDelivered``
    if something was not delivered that no ``result()`` has told of.

    >>> from ticketpool.kafka.embedded import EmbeddedCluster
    >>> with EmbeddedCluster(["orders"]) as kafka:
    ...     with Producer(bootstrap_servers=kafka.bootstrap) as producer:
    ...         delivery = producer.send("orders", {"order_id": 7}, key="customer-1")
    ...         delivery.result(timeout=10).offset
    0
    """

    def __init__(self, **options: Unpack[ProducerOptions]) -> None:
        self._pump = pump_of(options)

    def send(
        self,
        topic: str,
        value: object,
        *,
        key: SendableText | None = None,
        headers: Iterable[tuple[str, SendableText | None]] = (),
        timestamp: datetime | None = None,
    ) -> Delivery:
        """Queue a record; returns at once, unless the local buffer is full: then it waits for room.

        Args:
            value: bytes as they are, text as UTF-8, ``None`` as a tombstone; anything else
                as JSON (a Struct, dataclass, dict, …: what msgspec encodes).
            key: picks the partition; records with the same one keep their order.
            headers: pairs of name and value; a name may repeat.
            timestamp: the record's own time, with a time zone; ``None``: now.

        Raises:
            TypeError, ValueError: what can't be encoded; nothing was sent.
            TicketpoolError: the producer is closed, or has failed for good.
        """
        record = Outgoing(self._pump, topic, value, key, headers, timestamp)
        while not record.offer():
            if (oldest := self._pump.oldest()) is not None:
                oldest.wait()
        return record.delivery

    def flush(self, timeout: float | None = None) -> None:
        """Wait until all that was sent is acknowledged, or has failed.

        Args:
            timeout: seconds; ``None``: as long as ``delivery_timeout`` lets it take.

        Raises:
            NotDelivered: something was not delivered, and nobody has been told yet.
            TimeoutError: something is still under way.
        """
        self._pump.flush(timeout)

    def close(self, timeout: float | None = None) -> None:
        """``flush``, and end. What is still under way after ``timeout`` is given up.

        Raises:
            NotDelivered: something was not delivered, or not for certain, and nobody has
                been told yet.
        """
        self._pump.close(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with beside(error):
            self.close()


class AsyncProducer:
    """``Producer`` for one event loop: what waits there is awaited here.

    Tasks that send concurrently are served in turn. A ``Delivery`` is awaited for its outcome.

    >>> from ticketpool.kafka.embedded import EmbeddedCluster
    >>> async def main(where: str) -> int:
    ...     async with AsyncProducer(bootstrap_servers=where) as producer:
    ...         delivery = await producer.send("orders", {"order_id": 7}, key="customer-1")
    ...         return (await delivery).offset
    >>> with EmbeddedCluster(["orders"]) as kafka:
    ...     asyncio.run(main(kafka.bootstrap))
    0
    """

    def __init__(self, **options: Unpack[ProducerOptions]) -> None:
        self._pump = pump_of(options)
        self._turn = asyncio.Lock()

    async def send(
        self,
        topic: str,
        value: object,
        *,
        key: SendableText | None = None,
        headers: Iterable[tuple[str, SendableText | None]] = (),
        timestamp: datetime | None = None,
    ) -> Delivery:
        """As ``Producer.send``; awaits room where that blocks. Cancelled, it has sent nothing."""
        record = Outgoing(self._pump, topic, value, key, headers, timestamp)
        async with self._turn:
            while not record.offer():
                if (oldest := self._pump.oldest()) is not None:
                    await oldest.known()
        return record.delivery

    async def flush(self) -> None:
        """As ``Producer.flush``; bound it by ``asyncio.timeout``."""
        for delivery in self._pump.under_way():
            await delivery.known()
        self._pump.raise_failures()

    async def close(self) -> None:
        """As ``Producer.close``; cancelled, it goes on to be open."""
        for delivery in self._pump.under_way():
            await delivery.known()
        await asyncio.to_thread(self._pump.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with beside(error):
            await self.close()
