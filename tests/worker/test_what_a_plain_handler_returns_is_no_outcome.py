"""A plain handler succeeds when it returns, whatever; unless that shows that it never ran.

In doubt because an async function behind a plain decorator looks like a plain one.
"""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.support import eventually
from tests.worker.batches import batch
from tests.worker.port import INDEX, NUMBER, FakePort, new_cells
from ticketpool.core.model import Drain
from ticketpool.core.policy import Backoff
from ticketpool.ipc.frames import Closed, Open, Records
from ticketpool.worker import words
from ticketpool.worker.handler import Call
from ticketpool.worker.lane import Lane, Rules


class Bench:
    """A lane of this call."""

    def __init__(self, call: Call) -> None:
        self.cells = new_cells()
        self.port = FakePort(self.cells)
        self.drain = Drain()
        opened, rules = Open(NUMBER, "t", 0, INDEX), Rules(2, Backoff(0.0, 0.0), False)
        self.lane = Lane(opened, call, rules, self.port, self.cells, drain=self.drain)

    def put(self, *offsets: int) -> None:
        self.lane.put(batch(NUMBER, offsets, [b""] * len(offsets)))

    def through(self, offset: int) -> None:
        eventually(lambda: self.port.acked == offset, every=0.001)


@pytest.fixture
def bench() -> Iterator[Callable[[Call], Bench]]:
    made: list[Bench] = []

    def make(call: Call) -> Bench:
        made.append(Bench(call))
        return made[-1]

    yield make
    for one in made:
        one.lane.close()


Make = Callable[[Call], Bench]


def test_a_call_that_was_never_made_is_no_success(bench: Make) -> None:
    """An async function behind a plain decorator: what it returns would have to be awaited."""

    async def handle() -> None: ...

    one = bench(lambda *_: handle())
    one.put(5)
    one.through(5)
    (dead,) = one.port.dead
    assert (dead.error, dead.attempts) == ("TypeError", 3)
    assert "async def" in dead.message


def test_what_a_plain_handler_returns_is_ignored(bench: Make) -> None:
    one = bench(lambda *_: 7)
    one.put(5)
    one.through(5)
    assert one.port.dead == []


def test_a_handler_hears_when_its_lane_is_closed(bench: Make) -> None:
    heard = threading.Event()

    def wait(records: Records, i: int, attempt: int) -> None:
        while not one.drain.begun:
            time.sleep(0.001)
        heard.set()

    one = bench(wait)
    one.put(5, 6)
    eventually(lambda: words.running(one.cells, INDEX, NUMBER), every=0.001)
    assert not heard.is_set()
    one.lane.close()
    eventually(lambda: one.port.of(Closed), every=0.001)
    assert heard.is_set()
    assert one.port.acked == 5
