"""*Worker side.* One producer process: its share of the schedule, delivered and counted.

``python -m ticketpool.produce.worker``, started by ``ticketpool.ipc.child.Child``.
"""

import gc
import logging
import math
import sys
import time
from collections.abc import Iterator
from typing import TypeVar

from ticketpool.config import ProduceConfig
from ticketpool.core.schedule import Schedule, Share
from ticketpool.errors import TicketpoolError
from ticketpool.ipc.channel import Port
from ticketpool.ipc.inside import enter
from ticketpool.kafka.producer import TicketProducer
from ticketpool.produce.frames import (
    Failed,
    FromCoordinator,
    Hello,
    Line,
    Outage,
    Ready,
    Start,
    Undelivered,
)
from ticketpool.produce.tally import HELD, HOLD, LIMIT, PRODUCED, WORDS, record
from ticketpool.produce.tickets import Maker

T = TypeVar("T")

BATCH = 256  # tickets handed over at once: more brings no speed, and delays reports
WARM_UP_SECONDS = 3.0
_WAIT_SECONDS = 0.05  # how soon a new limit or a hold is seen while nothing is due
_BATCH_BYTES = 1 << 20
_CONNECTION_LINES = ("FAIL ", "ERROR ")  # librdkafka's facilities
_HELD_SECONDS = 0.002
_REPORT_SECONDS = 1.0  # failures are told to the coordinator this often


def linger_ms(rate: float, workers: int) -> float:
    """How long librdkafka waits for a fuller batch (``linger.ms``; its own default is 5).

    A ticket waits for its company this long, so none at a pace where the broker
    takes each at once; batches pay when thousands come a second.
    """
    if not rate:
        return 5.0
    return 0.0 if rate / workers <= 1000 else 1.0


class _PortHandler(logging.Handler):
    """Sends log lines to the coordinator, which alone writes to the terminal."""

    def __init__(self, port: Port[FromCoordinator]) -> None:
        super().__init__()
        self._port = port

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        # Told once for all processes, as an Outage.
        lost = message.startswith(_CONNECTION_LINES)
        level = logging.DEBUG if lost else record.levelno
        if level >= logging.getLogger().level:
            self._port.send(Line(level, record.name, message))


class Writer:
    """Writes the share's tickets when they are due, and counts what becomes of them.

    Args:
        cells: the shared words, laid out as in ``ticketpool.produce.tally``.
    """

    def __init__(self, hello: Hello, port: Port[FromCoordinator], cells: memoryview) -> None:
        config = hello.config
        self._topic = config.topic
        self._schedule = Schedule(config.rate)
        self._share = Share(config.keys, hello.workers, hello.slot)
        self._maker = Maker(hello.run, config.size, self._share)
        self._batch = max(1, min(BATCH, _BATCH_BYTES // self._maker.record_bytes))
        self._port = port
        self._cells = cells
        self._written = 0
        self._failures: dict[str, int] = {}
        self._report_at = 0.0
        self._producer = _producer(config, hello.workers, port)

    def warm_up(self) -> None:
        """Connect before the first ticket is due."""
        self._producer.warm_up(self._topic, WARM_UP_SECONDS)

    def run(self, zero: float) -> None:
        """Write until the limit, then wait until every ticket is delivered or failed.

        ``zero``: ``time.monotonic()`` of the start. Ends at the latest one
        delivery timeout after the last ticket.

        Raises:
            TicketpoolError: the producer has failed for good.
        """
        while self._step(zero):
            pass
        while len(self._producer):
            self._cells[HELD] = self._cells[HOLD]  # no last ticket can be below ours
            self._producer.poll(_WAIT_SECONDS)
            self._account()
        self._tell_failures()

    def _step(self, zero: float) -> bool:
        """Write what is due and fits, or wait for it; ``False`` at the limit."""
        if self._cells[HOLD]:
            self._hold()
        limit = self._cells[LIMIT]
        due = self._share.rank(min(limit, self._schedule.released(time.monotonic() - zero)))
        room = self._producer.room(self._maker.record_bytes)
        end = min(due, self._written + min(room, self._batch))
        if end > self._written:
            self._write(end)
        elif self._written >= self._share.rank(limit):
            return False
        else:
            self._producer.poll(self._idle_seconds(zero, full=due > self._written))
        self._account()
        return True

    def _hold(self) -> None:
        """Stand still, deliveries go on, until the coordinator has fixed the last ticket."""
        self._cells[HELD] = 1
        while self._cells[HOLD]:
            self._producer.poll(_HELD_SECONDS)
            self._account()
        self._cells[HELD] = 0

    def _write(self, end: int) -> None:
        records = self._maker.batch(self._written, end)
        self._written = self._cells[PRODUCED] = end  # first: a kill must not hide a ticket
        self._producer.produce_batch(self._topic, records)
        self._producer.poll(0)

    def _idle_seconds(self, zero: float, *, full: bool) -> float:
        if full:
            return _WAIT_SECONDS
        due = self._schedule.due_seconds(self._share.number(self._written))
        wait = math.ceil((zero + due - time.monotonic()) * 1000) / 1000  # poll(3) counts in ms
        return min(max(wait, 0.001), _WAIT_SECONDS)

    def _account(self) -> None:
        latencies, failures = self._producer.deliveries.take()
        if latencies or failures:
            record(self._cells, latencies, sum(failures.values()))
        for reason, count in failures.items():
            self._failures[reason] = self._failures.get(reason, 0) + count
        if self._failures and time.monotonic() >= self._report_at:
            self._tell_failures()

    def _tell_failures(self) -> None:
        for reason, count in self._failures.items():
            self._port.send(Undelivered(reason, count))
        self._failures = {}
        self._report_at = time.monotonic() + _REPORT_SECONDS


def _producer(config: ProduceConfig, workers: int, port: Port[FromCoordinator]) -> TicketProducer:
    return TicketProducer(
        config.kafka,
        partitioner=config.partitioner,
        compression=config.compression,
        delivery_timeout_seconds=config.delivery_timeout_seconds,
        tuning={"linger.ms": linger_ms(config.rate, workers)},
        on_outage=lambda reason: port.send(Outage(reason)),
    )


def _await(frames: Iterator[FromCoordinator], kind: type[T]) -> T:
    frame = next(frames, None)
    if not isinstance(frame, kind):
        raise SystemExit(1)  # the coordinator is gone
    return frame


def _serve(port: Port[FromCoordinator], cells: memoryview) -> None:
    frames = port.frames()
    hello = _await(frames, Hello)
    logging.basicConfig(handlers=[_PortHandler(port)], level=hello.config.log.level.upper())
    writer = Writer(hello, port, cells)
    writer.warm_up()
    port.send(Ready())
    start = _await(frames, Start)
    gc.freeze()  # what lives until the end need not be looked at again
    writer.run(start.at_ns / 1e9)


def main() -> int:
    """The process's exit status: 0 once every ticket of the share is accounted for."""
    port, words = enter(FromCoordinator, WORDS)
    try:
        _serve(port, words.cells)
    except TicketpoolError as error:
        port.send(Failed(type(error).__name__, str(error)))
        return 1
    except (BrokenPipeError, ConnectionResetError):  # the coordinator is gone
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
