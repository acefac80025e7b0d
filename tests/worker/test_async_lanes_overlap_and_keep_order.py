"""Lanes of an async handler share one event loop, and nothing else.

In doubt because they run in one thread: what one of them does to the loop, to its task, or
to the tasks that it makes must not reach the others, nor its own next record.
"""

import asyncio
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from tests.support import eventually
from tests.worker.batches import batch
from tests.worker.port import INDEX, NUMBER, FakePort, new_cells
from ticketpool.core.policy import Backoff
from ticketpool.ipc.frames import Closed, Open, Records, Retrying
from ticketpool.worker import words
from ticketpool.worker.async_lane import AsyncLane
from ticketpool.worker.lane import Rules
from ticketpool.worker.loop import Loop
from ticketpool.worker.place import OnLoop

Deed = Callable[[int], Awaitable[object]]

AT_ONCE = Rules(1, Backoff(0.0, 0.0), stop_on_failure=False)
LATER = Rules(1, Backoff(600.0, 600.0), stop_on_failure=False)


class Bench:
    """A lane on the loop, whose handler does what the plan says for an offset."""

    def __init__(self, loop: Loop, plan: dict[int, Deed], rules: Rules) -> None:
        self.cells = new_cells()
        self.port = FakePort(self.cells)
        self.log: list[tuple[str, int]] = []
        self._plan = plan
        opened = Open(NUMBER, "t", 0, INDEX)
        place = OnLoop(loop.asyncio)
        self.lane = AsyncLane(opened, self._call, rules, self.port, self.cells, place)

    async def _call(self, records: Records, i: int, attempt: int) -> None:
        offset = records.offset(i)
        self.log.append(("begin", offset))
        await self._plan.get(offset, _nothing)(attempt)
        self.log.append(("end", offset))

    def put(self, *offsets: int) -> None:
        self.lane.put(batch(NUMBER, offsets, [b""] * len(offsets)))

    def through(self, offset: int) -> None:
        eventually(lambda: self.port.acked == offset, every=0.001)

    @property
    def running(self) -> int | None:
        found = words.running(self.cells, INDEX, NUMBER)
        return found[0] if found else None


async def _nothing(attempt: int) -> None:
    pass


async def _for_ever(attempt: int) -> None:
    await asyncio.Event().wait()


def raising(error: BaseException) -> Deed:
    async def fail(attempt: int) -> None:
        await asyncio.sleep(0)
        raise error

    return fail


Make = Callable[..., Bench]


@pytest.fixture
def bench(loop: Loop) -> Iterator[Make]:
    made: list[Bench] = []

    def make(plan: dict[int, Deed] | None = None, rules: Rules = AT_ONCE) -> Bench:
        made.append(Bench(loop, plan or {}, rules))
        return made[-1]

    yield make
    for one in made:
        one.lane.close(time.monotonic())


def test_lanes_overlap_while_they_await(bench: Make) -> None:
    there, back = asyncio.Event(), asyncio.Event()

    async def ask(attempt: int) -> None:
        there.set()
        await back.wait()

    async def answer(attempt: int) -> None:
        await there.wait()
        back.set()

    one, other = bench({0: ask}), bench({0: answer})
    one.put(0)
    other.put(0)
    one.through(0)
    other.through(0)


def test_within_a_lane_a_record_waits_for_the_one_before(bench: Make) -> None:
    async def wait(attempt: int) -> None:
        await asyncio.sleep(0.01)

    one = bench(dict.fromkeys(range(3), wait))
    one.put(0, 1)
    one.put(2)
    one.through(2)
    assert one.log == [(what, offset) for offset in range(3) for what in ("begin", "end")]


def test_a_record_that_waits_for_its_retry_holds_up_its_own_lane_alone(bench: Make) -> None:
    one, other = bench({5: raising(ValueError())}, LATER), bench()
    one.put(4, 5, 6)
    eventually(lambda: one.port.of(Retrying), every=0.001)
    other.put(*range(10))
    other.through(9)
    assert one.running is None
    assert one.port.acked == 4


@pytest.mark.parametrize("frame", [1, 100], ids=["between frames", "within a frame"])
def test_a_handler_that_never_awaits_lets_other_lanes_have_their_turn(
    bench: Make, frame: int
) -> None:
    seen: list[int] = []

    async def block(attempt: int) -> None:
        threading.Event().wait(0.002)  # as it should not

    async def look(attempt: int) -> None:
        seen.append(len(one.log))

    one, other = bench(dict.fromkeys(range(100), block)), bench({0: look})
    for start in range(0, 100, frame):
        one.put(*range(start, start + frame))
    other.put(0)
    one.through(99)
    assert seen[0] < 100  # of 200 entries


def test_a_handler_that_cancels_its_own_task_means_its_own_record(bench: Make) -> None:
    async def cancel(attempt: int) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()

    async def cancel_and_await(attempt: int) -> None:
        await cancel(attempt)
        await asyncio.sleep(0)

    async def await_long(attempt: int) -> None:
        await asyncio.sleep(0.005)

    one = bench({1: cancel, 2: await_long, 3: cancel_and_await, 4: await_long})
    one.put(0, 1, 2, 3, 4)
    one.through(4)
    assert [(dead.offset, dead.error) for dead in one.port.dead] == [(3, "CancelledError")]
    assert [frame.offset for frame in one.port.of(Retrying)] == [3]


def test_a_task_that_was_cancelled_by_a_stranger_serves_on(bench: Make) -> None:
    tasks: list[asyncio.Task[Any]] = []

    async def show(attempt: int) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.append(task)

    async def cancel_that_one(attempt: int) -> None:
        tasks[0].cancel()

    one, other = bench({0: show}), bench({0: cancel_that_one})
    one.put(0)
    one.through(0)  # and waits for more
    other.put(0)
    other.through(0)
    one.put(1)
    one.through(1)
    assert one.port.dead == []


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), ValueError()])
def test_what_a_task_of_the_handler_raises_reaches_its_record_alone(
    bench: Make, error: BaseException
) -> None:
    async def fail() -> None:
        raise error

    async def have_it_done(attempt: int) -> None:
        await asyncio.get_running_loop().create_task(fail())

    async def wait(attempt: int) -> None:
        await asyncio.sleep(0.05)

    one, other = bench({1: have_it_done}), bench(dict.fromkeys(range(3), wait))
    other.put(0, 1, 2)
    one.put(0, 1, 2)
    one.through(2)
    other.through(2)
    assert [dead.offset for dead in one.port.dead] == [1]
    assert other.port.dead == []


def test_a_handler_that_awaits_at_the_deadline_is_cancelled_and_its_record_left(
    bench: Make,
) -> None:
    cleaned: list[float] = []

    async def hold(attempt: int) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            cleaned.append(time.monotonic())

    one = bench({5: hold}, Rules(0, Backoff(0.0, 0.0), stop_on_failure=False))
    one.put(4, 5, 6)
    eventually(lambda: one.running == 5, every=0.001)
    deadline = time.monotonic() + 0.2
    one.lane.close(deadline)
    eventually(lambda: one.port.of(Closed), every=0.001)
    assert one.port.of(Closed) == [Closed(NUMBER, cut_off=True)]
    assert cleaned and cleaned[0] < deadline
    assert one.port.acked == words.settled(one.cells, INDEX, NUMBER) == 4
    assert one.port.dead == []
    assert one.running is None


def test_other_lanes_are_not_cancelled_with_it(bench: Make, loop: Loop) -> None:
    go_on = asyncio.Event()

    async def wait(attempt: int) -> None:
        await go_on.wait()

    one, other = bench({0: _for_ever}), bench({0: wait})
    one.put(0)
    other.put(0)
    eventually(lambda: one.running == other.running == 0, every=0.001)
    one.lane.close(time.monotonic())
    eventually(lambda: one.port.of(Closed), every=0.001)
    assert other.running == 0
    loop.asyncio.call_soon_threadsafe(go_on.set)
    other.through(0)


def test_a_handler_may_finish_its_record_when_it_is_cancelled(bench: Make) -> None:
    async def finish(attempt: int) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return

    one = bench({5: finish})
    one.put(5, 6)
    eventually(lambda: one.running == 5, every=0.001)
    one.lane.close(time.monotonic())
    eventually(lambda: one.port.of(Closed), every=0.001)
    assert one.port.of(Closed) == [Closed(NUMBER)]
    assert one.port.acked == 5


@pytest.mark.parametrize("error", [RuntimeError("in the clean-up"), SystemExit()])
def test_what_a_cancelled_handler_raises_instead_makes_no_dead_letter(
    bench: Make, error: BaseException
) -> None:
    async def break_down(attempt: int) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise error

    one = bench({5: break_down}, Rules(0, Backoff(0.0, 0.0), stop_on_failure=False))
    one.put(5)
    eventually(lambda: one.running == 5, every=0.001)
    one.lane.close(time.monotonic())
    eventually(lambda: one.port.of(Closed), every=0.001)
    assert one.port.of(Closed) == [Closed(NUMBER, cut_off=True)]
    assert one.port.dead == []


def test_without_a_deadline_a_closing_lane_finishes_its_record(bench: Make, loop: Loop) -> None:
    go_on = asyncio.Event()

    async def wait(attempt: int) -> None:
        await go_on.wait()

    one, other = bench({0: wait}), bench()
    one.put(0, 1)
    eventually(lambda: one.running == 0, every=0.001)
    one.lane.close()
    other.put(0)
    other.through(0)
    assert one.port.of(Closed) == []
    loop.asyncio.call_soon_threadsafe(go_on.set)
    eventually(lambda: one.port.of(Closed), every=0.001)
    assert one.log == [("begin", 0), ("end", 0)]


def test_one_thread_serves_all_of_them(bench: Make) -> None:
    threads: set[int] = set()

    async def note(attempt: int) -> None:
        threads.add(threading.get_ident())

    before = threading.active_count()
    for _ in range(20):
        one = bench({0: note})
        one.put(0)
        one.through(0)
    assert len(threads) == 1
    assert threading.active_count() == before


def test_asyncio_is_uvloop(loop: Loop) -> None:
    async def name() -> str:
        return type(asyncio.get_running_loop()).__module__

    assert loop.wait_for(name()) == "uvloop"
    assert "uvloop" in sys.modules


def test_the_loop_passes_on_what_is_raised_on_it(loop: Loop) -> None:
    async def leave() -> None:
        sys.exit("as it says")

    with pytest.raises(SystemExit, match="as it says"):
        loop.wait_for(leave())
    assert loop.wait_for(asyncio.sleep(0, "still there")) == "still there"
