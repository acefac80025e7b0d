"""A handler run by the worker's own lanes, in this process, without Kafka and without waiting."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from ticketpool.config import LogConfig, OnFailure
from ticketpool.core.model import Partition, Record
from ticketpool.core.outputs import Output
from ticketpool.ipc.channel import Port
from ticketpool.ipc.frames import (
    Ack,
    Close,
    Closed,
    Dead,
    FromSupervisor,
    FromWorker,
    Hello,
    Open,
    Records,
    Retrying,
    encode,
)
from ticketpool.library.names import Handler
from ticketpool.testing.given import named, records_of
from ticketpool.testing.outcomes import Kind, Outcome, Result
from ticketpool.worker import main as worker
from ticketpool.worker import words
from ticketpool.worker.handlers import Handlers

_FRAME = 1000  # records in a frame, as the supervisor sends at most
_FOR_EVER = 1e9  # without a supervisor nobody beats


class _Lane(msgspec.Struct):
    """What a lane was given, and what it told."""

    number: int
    partition: Partition
    records: list[Record] = []
    through: int = -1
    closed: bool = False
    dead: dict[int, Dead] = {}
    failures: defaultdict[int, list[str]] = msgspec.field(default_factory=lambda: defaultdict(list))
    sent: list[Output] = []

    @property
    def done(self) -> bool:
        return self.closed or self.through >= self.records[-1].offset

    def outcome(self, record: Record) -> Outcome:
        failures, dead = self.failures[record.offset], self.dead.get(record.offset)
        if dead is None:
            return Outcome(
                kind=Kind.HANDLED,
                record=record,
                attempts=len(failures) + 1,
                failures=tuple(failures),
                sent=tuple(one for one in self.sent if one.offset == record.offset),
            )
        return Outcome(
            kind=Kind.REJECTED if dead.rejected else Kind.DEAD_LETTERED,
            record=record,
            attempts=dead.attempts,
            failures=(*failures, f"{dead.error}: {dead.message}"),
        )


class _Supervisor(Port[FromSupervisor]):
    """The other side of a worker, in the same process: sends its frames, hears its answers."""

    def __init__(self, records: Sequence[Record], seconds: float) -> None:
        self._seconds = seconds
        self._heard = threading.Condition()
        self.cells = memoryview(bytearray(8 * words.COUNT)).cast("q")
        lanes: dict[Partition, _Lane] = {}
        for record in records:
            where = Partition(record.topic, record.partition)
            lane = lanes.setdefault(where, _Lane(len(lanes) + 1, where, []))
            lane.records.append(record)
        self._lanes = {lane.number: lane for lane in lanes.values()}
        self._records, self._by_partition = records, lanes

    def frames(self) -> Iterator[Any]:
        """What the worker is sent: all lanes, all records, and the end when all are finished."""
        lanes = self._lanes.values()
        for lane in lanes:
            yield Open(lane.number, *lane.partition, lane.number - 1)
            for first in range(0, len(lane.records), _FRAME):
                after = first + _FRAME
                last = after >= len(lane.records)
                yield _frame(lane.number, lane.records[first:after], no_more=last)
        self._await(lambda lane: lane.done)
        for lane in lanes:
            yield Close(lane.number)
        self._await(lambda lane: lane.closed)

    def send(self, frame: msgspec.Struct) -> None:
        """What a lane tells, from its own thread; through the codec, as over the pipe."""
        told = msgspec.msgpack.decode(encode(frame)[4:], type=FromWorker)
        with self._heard:
            self._take(told)
            self._heard.notify_all()

    def _take(self, told: Any) -> None:
        match told:
            case Ack():
                lane = self._lanes[told.lane]
                lane.through = told.through
                lane.dead |= {dead.offset: dead for dead in told.dead}
                lane.sent += told.sent
            case Retrying():
                failure = f"{told.error}: {told.message}"
                self._lanes[told.lane].failures[told.offset].append(failure)
            case Closed():
                self._lanes[told.lane].closed = True

    def _await(self, ready: Callable[[_Lane], bool]) -> None:
        lanes = self._lanes.values()
        with self._heard:
            if not self._heard.wait_for(lambda: all(map(ready, lanes)), self._seconds):
                raise TimeoutError(f"not within {self._seconds:g} s: {self._running()}")

    def _running(self) -> str:
        for lane in self._lanes.values():
            if found := words.running(self.cells, lane.number - 1, lane.number):
                seconds = (time.monotonic_ns() - found[1]) / 1e9
                where = f"{lane.partition} offset {found[0]}"
                return f"the handler has been running {where} for {seconds:.1f} s"
        return "the lanes have not ended"

    def result(self) -> Result:
        lanes = self._by_partition
        return Result(
            outcomes=tuple(
                lanes[Partition(record.topic, record.partition)].outcome(record)
                for record in self._records
            )
        )


def _frame(lane: int, records: Sequence[Record], *, no_more: bool) -> Records:
    return Records(
        lane,
        records[0].offset,
        [record.offset for record in records],
        [record.value for record in records],
        [record.key for record in records],
        [record.headers for record in records],
        [int(record.timestamp.timestamp() * 1000) for record in records],
        0,
        no_more,
    )


def run(
    handler: Handler,
    tickets: Iterable[object],
    *,
    retries: int = 5,
    topic: str = "tickets",
    codec: str = "json",
    middleware: Sequence[str] = (),
    batch_size: int = 100,
    timeout: float = 10.0,
) -> Result:
    """Run a handler over tickets as a worker would, here and now.

    The worker's own code does it: decoding by annotation, contexts, retries, rejections,
    one thread per partition. Back-off takes no time. It is not seen here what a handler does
    to its process; for that use the fixture ``ticket_pool``.

    Args:
        handler: a function of any kind, or ``"module:function"``.
        tickets: what stands in the topic, in order. ``bytes`` and ``None``: a raw value;
            a ``Record``: with key, headers, partition and offset of its own; anything else,
            as a ``Ticket``: its JSON.
        retries: further calls after a handler has raised.
        topic: of what is no ``Record``.
        codec, middleware, batch_size: as ``ticketpool run`` takes them. Nothing is waited for:
            a batch is what there is.
        timeout: seconds that all of it may take.

    Raises:
        HandlerError: it can be no handler; the message says why.
        TimeoutError: it takes longer; the message says which record is running.

    >>> from ticketpool import Context, Reject
    >>> def handle(order: dict[str, int], context: Context) -> None:
    ...     if order["id"] == 13:
    ...         raise Reject("not served here")
    ...     if order["id"] == 50 and context.attempt == 1:
    ...         raise ConnectionError("away for a moment")
    >>> result = run(handle, [{"id": 1}, {"id": 13}, {"id": 50}, b"no JSON"])
    >>> [(str(one.kind), one.retries) for one in result.outcomes]
    [('handled', 0), ('rejected', 0), ('handled', 1), ('dead-lettered', 0)]
    >>> result.dead_letters[0].reason
    'Reject: not served here'
    """
    supervisor = _Supervisor(records_of(tickets, topic), timeout)
    with named(handler) as name:
        hello = Hello(
            slot=0,
            handler=name,
            retries=retries,
            backoff_seconds=0.0,
            backoff_max_seconds=0.0,
            on_failure=OnFailure.DEAD_LETTER,
            log_format=LogConfig().format,
            log_level=LogConfig().level,
            silence_seconds=_FOR_EVER,
            codec=codec,
            middleware=list(middleware),
            batch_size=batch_size,
            batch_seconds=0.0,
        )
        handlers = Handlers(hello)
    handlers.open()
    try:
        worker._serve(supervisor.frames(), handlers, hello, supervisor, supervisor.cells)
    finally:
        handlers.close(timeout)
        handlers.loop.stop()
    return supervisor.result()
