"""A ``TicketProducer`` that tells of each record where it stands, or why not."""

from collections.abc import Callable, Sequence

import msgspec
from confluent_kafka import KafkaError, Message

from ticketpool.kafka.producer import TicketProducer


class Report(msgspec.Struct, frozen=True):
    """What became of a record.

    Attributes:
        partition, offset: where it stands; -1 when it does not, or not known where.
        error: librdkafka's words; ``None``: acknowledged.
        name: of the error (``MSG_SIZE_TOO_LARGE``), else empty.
    """

    partition: int
    offset: int
    error: str | None = None
    name: str = ""


OnReport = Callable[[Report], object]


class Sender(TicketProducer):
    """For programs: one thread at a time may ``submit``, while another one polls.

    librdkafka's producer is thread safe; what the base class keeps is written by ``poll``
    and only looked at by ``submit``.
    """

    def submit(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        headers: Sequence[tuple[str, bytes | None]],
        timestamp_ms: int,
        on_report: OnReport,
    ) -> bool:
        """Queue one record; ``False``, and nothing done, when there is no room for it now.

        ``on_report`` is called once, by ``poll``; for a record that is refused at once
        (too large, …) before this returns ``True``. Never blocks.

        Raises:
            TicketpoolError: the producer has failed for good and must be made anew.
        """

        def tell(error: KafkaError | None, message: Message | None) -> None:
            on_report(_report_of(error, message))

        return self._queue(topic, value, key, headers, timestamp_ms, self._reporter(tell))

    def close(self) -> None:
        """End the client, at once and not when garbage is collected; call nothing after it."""
        del self._client


def _report_of(error: KafkaError | None, message: Message | None) -> Report:
    partition = offset = None
    if message is not None:
        partition, offset = message.partition(), message.offset()
    where = -1 if partition is None else partition, -1 if offset is None else offset
    return Report(*where) if error is None else Report(*where, error.str(), error.name())
