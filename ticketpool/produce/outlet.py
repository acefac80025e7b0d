"""*Worker side.* The way out of a producer process: what was sent is accounted for."""

import time

from ticketpool.config import ProduceConfig
from ticketpool.ipc.channel import Port
from ticketpool.kafka.producer import TicketProducer
from ticketpool.kafka.returning import Record
from ticketpool.produce.frames import FromCoordinator, Hello, Outage, Undelivered
from ticketpool.produce.tally import record

WARM_UP_SECONDS = 3.0
_QUEUE_KIB = 64 << 10
_REPORT_SECONDS = 1.0  # failures are told to the coordinator this often


def linger_ms(rate: float, workers: int) -> float:
    """How long librdkafka waits for a fuller batch (``linger.ms``; its own default is 5).

    A ticket waits for its company this long, so none at a pace where the broker
    takes each at once; batches pay when thousands come a second.
    """
    if not rate:
        return 5.0
    return 0.0 if rate / workers <= 1000 else 1.0


class Outlet:
    """Sends records and counts what becomes of them.

    Args:
        cells: the shared words, laid out as in ``ticketpool.produce.tally``.
    """

    _kind: type[TicketProducer] = TicketProducer

    def __init__(self, hello: Hello, port: Port[FromCoordinator], cells: memoryview) -> None:
        self._topic = hello.config.topic
        self._port = port
        self._cells = cells
        self._failures: dict[str, int] = {}
        self._report_at = 0.0
        self._producer = _make_producer(self._kind, hello.config, hello.workers, port)

    def warm_up(self) -> None:
        """Connect before the first ticket is due."""
        self._producer.warm_up(self._topic, WARM_UP_SECONDS)

    @property
    def busy(self) -> bool:
        """Whether some record has neither been delivered nor failed."""
        return len(self._producer) > 0

    def room(self, record_bytes: int) -> int:
        """How many records of at most that many bytes can be written now."""
        return self._producer.room(record_bytes)

    def write(self, records: list[Record]) -> None:
        """Send records in order. Ask ``room`` before.

        Raises:
            TicketpoolError: the producer has failed for good.
        """
        self._producer.produce_batch(self._topic, records)
        self.poll(0)

    def poll(self, seconds: float) -> None:
        """Wait for reports up to ``seconds``, and count them."""
        self._producer.poll(seconds)
        self.account()

    def account(self) -> None:
        """Count what has been reported."""
        latencies, failures = self._producer.deliveries.take()
        if latencies or failures:
            record(self._cells, latencies, sum(failures.values()))
        for reason, count in failures.items():
            self._failures[reason] = self._failures.get(reason, 0) + count
        if self._failures and time.monotonic() >= self._report_at:
            self.tell_failures()

    def tell_failures(self) -> None:
        """Tell the coordinator how many failed since the last time, and why."""
        for reason, count in self._failures.items():
            self._port.send(Undelivered(reason, count))
        self._failures = {}
        self._report_at = time.monotonic() + _REPORT_SECONDS


def _make_producer(
    kind: type[TicketProducer], config: ProduceConfig, workers: int, port: Port[FromCoordinator]
) -> TicketProducer:
    """A producer as the run wants it; outages are told through the port."""
    return kind(
        config.kafka,
        partitioner=config.partitioner,
        compression=config.compression,
        # What is kept in order when it fails is timed by us: see ReturningOutlet.
        delivery_timeout_seconds=None if config.failed else config.delivery_timeout_seconds,
        tuning={"linger.ms": linger_ms(config.rate, workers), **_queue(config)},
        on_outage=lambda reason: port.send(Outage(reason)),
    )


def _queue(config: ProduceConfig) -> dict[str, object]:
    """Lines of an input may be long: librdkafka's own bound would be a gigabyte of them."""
    return {} if config.input is None else {"queue.buffering.max.kbytes": _QUEUE_KIB}
