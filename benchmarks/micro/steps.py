"""What the micro-benchmarks share: clocks per record, batches, a supervisor without processes."""

from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any, NamedTuple, cast

import msgspec
import pytest
from confluent_kafka import Message

from ticketpool.config import RunConfig
from ticketpool.core.flow import Limits
from ticketpool.core.lane import Lane
from ticketpool.core.model import Partition, RawRecord
from ticketpool.core.policy import Backoff
from ticketpool.core.router import Router
from ticketpool.core.trouble import Position
from ticketpool.ipc.channel import Port
from ticketpool.ipc.frames import FromWorker, Records, encode
from ticketpool.kafka.consumer import GroupConsumer
from ticketpool.kafka.dead_letter import DeadLetters
from ticketpool.kafka.outlet import Outlet
from ticketpool.kafka.quiet import BrokerWatch
from ticketpool.pool import Pool
from ticketpool.supervisor.assignment import Assignment
from ticketpool.supervisor.crew import Crew
from ticketpool.supervisor.failures import Failures
from ticketpool.supervisor.signals import StopSignals
from ticketpool.supervisor.totals import Totals

BATCH = 1000
VALUE = (
    b'{"id":"0123abcd-4711","timestamp":"2024-01-02T03:04:05.123456Z","order_id":4711,"data":"'
    + b"x" * 111
    + b'"}'
)
"""A ticket of 200 bytes."""

Measure = Callable[..., Any]
"""``measure(step, prepare=None)``: time ``step(*prepare())`` often; its last result."""


def per(records: int) -> pytest.MarkDecorator:
    """Tell a benchmark's times for one of so many records, in what it saves too."""

    def timer() -> float:
        return perf_counter() / records

    return pytest.mark.benchmark(timer=timer)


def messages(count: int, run: int, value: bytes | None = VALUE) -> list[RawRecord]:
    """As polled: real Messages of eight partitions, in runs of so many of one partition.

    librdkafka makes the strings and bytes of each message anew, so no two share them here.
    """
    following = [0] * 8
    made = []
    for n in range(count):
        number = n // run % 8
        made.append(
            Message(
                topic="".join(("tick", "ets")),
                partition=number,
                offset=following[number],
                key=b"key-%d" % (n % 500),
                value=None if value is None else bytes(bytearray(value)),
                headers=[("trace", b"0af7651916cd43dd8448eb211c80319c")],
                timestamp=(1, 1_700_000_000_000 + n),
            )
        )
        following[number] += 1
    return cast("list[RawRecord]", made)


def frame(*, whole: bool = False, count: int = BATCH, value: bytes = VALUE) -> Records:
    """A frame of records; ``whole``: with keys, headers and timestamps."""
    header = (("trace", b"0af7651916cd43dd8448eb211c80319c"),)
    others = count if whole else 0
    return Records(
        1,
        0,
        [],
        [value] * count,
        [b"key-1"] * others,
        [header] * others,
        [1_700_000_000_000] * others,
        0,
    )


class Nowhere(Port[Any]):
    """Encodes what a lane sends, as the real one does, and writes it nowhere."""

    def __init__(self, told: Callable[[msgspec.Struct], None] = lambda frame: None) -> None:
        self._told = told

    def send(self, frame: msgspec.Struct) -> None:
        encode(frame)
        self._told(frame)


class _Client:
    """Takes commits, pauses and questions, and does nothing: what is left is our own part."""

    watch = BrokerWatch("nowhere:9092")

    def commit_soon(self, positions: Iterable[tuple[Partition, Position]]) -> bool:
        return bool(list(positions))

    def high_watermark(self, partition: Partition) -> int | None:
        return 1 << 40


class Supervisor(NamedTuple):
    """The parts of a supervisor without processes and without Kafka."""

    config: RunConfig
    router: Router
    crew: Crew
    totals: Totals
    assignment: Assignment
    consumer: GroupConsumer


def supervisor(lanes: int = 1) -> Supervisor:
    """Two slots, and so many opened lanes with no records yet."""
    config = RunConfig(workers=2)
    router = Router(config.workers, Limits(), max_crashes=config.max_crashes)
    totals = Totals()
    outlet = Outlet(config.kafka)
    failures = Failures(config, DeadLetters(outlet, config.group), totals)
    pool: Pool[FromWorker] = Pool(config.workers, _no_process, Backoff(0.1, 10.0))
    crew = Crew(config, pool, router, failures, totals, outlet)
    assignment = Assignment(config, router, crew, totals, StopSignals())
    consumer = assignment.consumer = cast("GroupConsumer", _Client())
    for number in range(lanes):
        _open(router, Partition("tickets", number))
    return Supervisor(config, router, crew, totals, assignment, consumer)


def _no_process(slot: int) -> Any:
    raise AssertionError("no worker is to be started here")


def _open(router: Router, partition: Partition) -> None:
    lane = router.assign(partition, 0)
    lane.watched = 0  # at full speed, as it is a moment after its assignment
    router.open(lane)


def receive(lane: Lane, records: list[RawRecord]) -> None:
    """The next records of a lane, whatever offsets they believe to have."""
    first = lane.ledger.next or 0
    lane.ledger.receive(records, list(range(first, first + len(records))))
