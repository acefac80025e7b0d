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
from ticketpool.worker.handler import Handler
from ticketpool.worker.lane import Lane, Rules
from ticketpool.worker.place import drive

OPENED = Open(1, "tickets", 0, 0)


def take_ticket(ticket: Ticket) -> None: ...
def take_both(ticket: Ticket, context: Context) -> None: ...
def take_bytes(value: bytes) -> None: ...
def take_record(record: Record) -> None: ...


def nothing(batch: Records, i: int, attempt: int) -> None: ...


def call_of(function: Callable[..., None]) -> Callable[[Records, int, int], None]:
    return Handler("h", function).call_for("tickets", 0, 0)


class Bench:
    """A lane whose acks are seen and go nowhere."""

    def __init__(self, call: Callable[[Records, int, int], None]) -> None:
        self.acks: SimpleQueue[Any] = SimpleQueue()
        cells = memoryview(bytearray(8 * words.COUNT)).cast("q")
        rules = Rules(5, Backoff(0.1, 30.0), False)
        self.lane = Lane(OPENED, call, rules, Nowhere(self.acks.put), cells)

    def inline(self, batch: Records) -> int:
        """The batch on this thread; the last offset that was acknowledged."""
        drive(self.lane._work(batch))
        return self._through()

    def threaded(self, batch: Records) -> int:
        """The batch by way of the queue, on the lane's thread."""
        self.lane.put(batch)
        return self._through()

    def _through(self) -> int:
        ack = self.acks.get()
        while not self.acks.empty():  # a lane that was slow has sent several
            ack = self.acks.get()
        assert isinstance(ack, Ack)
        return ack.through if ack.through == BATCH - 1 else self._through()


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(call: Callable[[Records, int, int], None]) -> Bench:
        made.append(Bench(call))
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
    one, batch = bench(call), frame(whole=True)
    assert measure(lambda: one.inline(batch)) == BATCH - 1


@per(BATCH)
def test_thread(measure: Measure, bench: Callable[..., Bench]) -> None:
    """What the lane's own thread adds to "nothing"."""
    one, batch = bench(nothing), frame()
    assert measure(lambda: one.threaded(batch)) == BATCH - 1


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
