"""A worker's lane over one frame of records."""

from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any

import pytest

from benchmarks.micro.steps import BATCH, Measure, Nowhere, frame, per
from ticketpool import Context, Record, Ticket
from ticketpool.core.policy import Backoff
from ticketpool.ipc.frames import Ack, Open, Records
from ticketpool.worker import words
from ticketpool.worker.async_lane import AsyncLane
from ticketpool.worker.batch_lane import BatchLane
from ticketpool.worker.handler import Handler
from ticketpool.worker.lane import Lane, Rules
from ticketpool.worker.loop import Loop
from ticketpool.worker.place import OnLoop, Place, drive
from ticketpool.worker.where import Where

OPENED = Open(1, "tickets", 0, 0)


def take_ticket(ticket: Ticket) -> None: ...
def take_both(ticket: Ticket, context: Context) -> None: ...
def take_bytes(value: bytes) -> None: ...
def take_record(record: Record) -> None: ...


def take_all(values: list[bytes]) -> None: ...


def nothing(batch: Records, i: int, attempt: int) -> None: ...
async def nothing_async(batch: Records, i: int, attempt: int) -> None: ...


def call_of(function: Callable[..., None]) -> Callable[[Records, int, int], None]:
    return Handler("h", function).call_for(Where("tickets", 0, 0))


class Bench:
    """A lane whose acks are seen and go nowhere."""

    def __init__(self, kind: Callable[..., Lane], call: Any, place: Place | None = None) -> None:
        self.acks: SimpleQueue[Any] = SimpleQueue()
        cells = memoryview(bytearray(8 * words.COUNT)).cast("q")
        rules = Rules(5, Backoff(0.1, 30.0), False)
        self.lane = kind(OPENED, call, rules, Nowhere(self.acks.put), cells, place)

    def inline(self, batch: Records) -> int:
        """The batch on this thread; the last offset that was acknowledged."""
        drive(self.lane._work(batch))
        return self._through()

    def queued(self, batch: Records) -> int:
        """The batch by way of the queue, on the lane's thread or the event loop."""
        self.lane.put(batch)
        return self._through()

    def _through(self) -> int:
        ack = self.acks.get()
        while not self.acks.empty():  # a lane that was slow has sent several
            ack = self.acks.get()
        assert isinstance(ack, Ack)
        return ack.through if ack.through == BATCH - 1 else self._through()


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.stop()


@pytest.fixture
def bench(loop: Loop) -> Iterator[Callable[..., Bench]]:  # closed before the loop ends
    made: list[Bench] = []

    def make(kind: Callable[..., Lane], call: Any, place: Place | None = None) -> Bench:
        made.append(Bench(kind, call, place))
        return made[-1]

    yield make
    for one in made:
        one.lane.close()


@per(BATCH)
@pytest.mark.parametrize(
    "call",
    [nothing, call_of(take_bytes), call_of(take_ticket), call_of(take_both), call_of(take_record)],
    ids=["nothing", "bytes", "ticket", "ticket-context", "record"],
)
def test_work(
    measure: Measure, bench: Callable[..., Bench], call: Callable[[Records, int, int], None]
) -> None:
    """The loop with its words and times, the decoding, and one ack."""
    one, batch = bench(Lane, call), frame(whole=True)
    assert measure(lambda: one.inline(batch)) == BATCH - 1


@per(BATCH)
def test_thread(measure: Measure, bench: Callable[..., Bench]) -> None:
    """What the lane's own thread adds to "nothing"."""
    one, batch = bench(Lane, nothing), frame()
    assert measure(lambda: one.queued(batch)) == BATCH - 1


@per(BATCH)
def test_on_the_loop(measure: Measure, bench: Callable[..., Bench], loop: Loop) -> None:
    """The same for an async handler that never waits."""
    one, batch = bench(AsyncLane, nothing_async, OnLoop(loop.asyncio)), frame()
    assert measure(lambda: one.queued(batch)) == BATCH - 1


@per(BATCH)
def test_in_batches(measure: Measure, bench: Callable[..., Bench]) -> None:
    """The same for one that takes 100 at a time, undecoded."""
    call = Handler("h", take_all).batch_call_for(Where("tickets", 0, 0))
    one, batch = bench(BatchLane, call), frame()
    assert measure(lambda: one.queued(batch)) == BATCH - 1


@per(BATCH)
@pytest.mark.parametrize("function", [take_ticket, take_both])
def test_call(measure: Measure, function: Callable[..., None]) -> None:
    """The call without the lane: decode, and run a handler that does nothing."""
    call, batch = call_of(function), frame(whole=True)

    def step() -> int:
        i = -1
        for i in range(BATCH):
            call(batch, i, 1)
        return i

    assert measure(step) == BATCH - 1
