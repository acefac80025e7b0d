"""Slots stay filled: a dead process is replaced, a hopeless one not in a tight loop.

In doubt because the count of failures once started anew with every start that
raised, which then was repeated at once, for ever.
"""

import signal
from collections.abc import Callable, Iterator

import psutil
import pytest

from tests.ipc.children import Answer, Order, environment
from tests.support import eventually
from ticketpool.core.policy import Backoff
from ticketpool.ipc.child import Child
from ticketpool.pool import Pool, Signal, Slot, SlotState
from ticketpool.pool import pool as module
from ticketpool.pool.pool import Death

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]

BACKOFF = Backoff(1.0, 8.0)


class Clock:
    """Time as the pool sees it; stands still until told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    monkeypatch.setattr("random.random", lambda: 0.0)  # no jitter
    return made


def start(_: int) -> Child[Answer]:
    return Child("tests.ipc.children", Answer, words=16, environment=environment())


Make = Callable[..., Pool[Answer]]


@pytest.fixture
def make() -> Iterator[Make]:
    pools: list[Pool[Answer]] = []

    def one(size: int, starter: Callable[[int], Child[Answer]] = start) -> Pool[Answer]:
        pools.append(Pool(size, starter, BACKOFF))
        return pools[-1]

    yield one
    for pool in pools:
        pool.close()


def filled(pool: Pool[Answer]) -> list[int]:
    return [slot.index for slot in pool.fill()]


def die(pool: Pool[Answer], slot: Slot[Answer]) -> Death:
    """Kill the slot's process, and bury it once the pool tells of its death."""
    slot.living.kill()
    eventually(lambda: (slot, Signal.EXIT) in list(pool.wait(1.0)), every=0.001)
    return pool.bury(slot)


def test_every_slot_is_filled_once(make: Make, clock: Clock) -> None:
    pool = make(3)
    assert [slot.state for slot in pool.slots] == [SlotState.EMPTY] * 3
    assert filled(pool) == [0, 1, 2]
    assert filled(pool) == []
    assert {slot.state for slot in pool.slots} == {SlotState.STARTING}
    assert len({slot.living.pid for slot in pool.slots}) == 3
    assert [slot.restarts for slot in pool.slots] == [0, 0, 0]


def test_the_first_restart_is_at_once_and_the_next_ones_wait_longer(
    make: Make, clock: Clock
) -> None:
    pool = make(2)
    filled(pool)
    slot, other = pool.slots
    neighbour = other.living.pid
    waits = []
    for _ in range(6):
        pid = slot.living.pid
        death = die(pool, slot)
        assert (death.pid, death.status) == (pid, -signal.SIGKILL)
        waits.append(slot.due - clock.now)
        if slot.due > clock.now:
            clock.now = slot.due - 0.001
            assert filled(pool) == []
        clock.now = slot.due
        assert filled(pool) == [0]
    assert waits == pytest.approx([0, 1, 2, 4, 8, 8])
    assert slot.restarts == 6
    assert other.living.pid == neighbour


def test_a_steady_life_makes_the_next_restart_a_first_one(make: Make, clock: Clock) -> None:
    pool = make(1)
    [slot] = pool.slots
    for _ in range(4):
        clock.now = max(clock.now, slot.due)
        filled(pool)
        die(pool, slot)
    assert slot.failures == 4
    clock.now = slot.due
    filled(pool)
    clock.now += module.STEADY_SECONDS
    die(pool, slot)
    assert slot.failures == 0
    assert slot.due == clock.now
    assert filled(pool) == [0]


def test_no_count_of_restarts_falls_when_slots_come_and_go(make: Make, clock: Clock) -> None:
    pool = make(2)
    filled(pool)
    last = pool.slots[1]
    die(pool, last)
    filled(pool)
    last.leaving = True
    die(pool, last)
    pool.shrink()
    assert (len(pool.slots), pool.restarts) == (1, 1)
    again = pool.add()
    assert (again.restarts, pool.restarts) == (1, 1)
    filled(pool)
    assert (again.restarts, pool.restarts) == (2, 2)


def test_a_start_that_raises_is_logged_and_tried_again_with_back_off(
    make: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[dict[str, object]] = []
    monkeypatch.setattr(module._log, "error", lambda event, **fields: logged.append(fields))
    hopeless = True

    def sometimes(index: int) -> Child[Answer]:
        if hopeless and index == 0:
            raise OSError(24, "Too many open files")
        return start(index)

    pool = make(2, sometimes)
    assert filled(pool) == [1]  # the others go on
    waits = [pool.slots[0].due - clock.now]
    for _ in range(4):
        clock.now = pool.slots[0].due
        assert filled(pool) == []
        waits.append(pool.slots[0].due - clock.now)
        clock.now += 60  # waiting long for a start is no steady life
    assert waits == pytest.approx([0, 1, 2, 4, 8])
    assert logged == [{"worker": 0, "error": "[Errno 24] Too many open files"}] * 5
    hopeless = False
    assert filled(pool) == [0]
    assert pool.slots[0].restarts == 0


def test_frames_come_before_the_death_of_the_process_that_wrote_them(make: Make) -> None:
    pool = make(1)
    filled(pool)
    [slot] = pool.slots
    slot.living.channel.send(Order("exit", 3))
    assert slot.living.wait(10) == 3
    events = list(pool.wait(5))
    assert events == [(slot, Signal.FRAMES), (slot, Signal.EXIT)]
    assert [answer.text for answer in slot.living.channel.receive()] == ["here"]
    death = pool.bury(slot)
    assert death.status == 3
    assert death.peak_rss_bytes > 1 << 20
    assert slot.state is SlotState.EMPTY


def test_a_slot_that_is_buried_while_events_are_handled_has_no_more(make: Make) -> None:
    pool = make(2)
    filled(pool)
    for slot in pool.slots:
        slot.living.kill()
        slot.living.wait(10)
    events = []
    for slot, what in pool.wait(5):
        events.append((slot.index, what))
        for one in pool.slots:
            if one.child is not None:
                pool.bury(one)
    assert len(events) == 1


def test_what_a_pipe_did_not_take_is_written_when_it_has_room(make: Make) -> None:
    pool = make(1)
    filled(pool)
    [slot] = pool.slots
    child = slot.living
    child.signal(signal.SIGSTOP)
    eventually(lambda: psutil.Process(child.pid).status() == psutil.STATUS_STOPPED)
    count = 0
    while not child.channel.pending_bytes:
        child.channel.send(Order("store", count))
        count += 1
    for _ in range(1000):
        child.channel.send(Order("store", count))
        count += 1
    assert list(pool.wait(0)) in ([], [(slot, Signal.FRAMES)])
    assert child.channel.pending_bytes
    child.signal(signal.SIGCONT)
    answers: list[Answer] = []

    def all_answered() -> bool:
        for _, what in pool.wait(0.2):
            assert what is Signal.FRAMES
            answers.extend(child.channel.receive())
        return len(answers) == count + 1

    eventually(all_answered, every=0.001)
    assert child.words.cells[3] == count - 1
    assert list(pool.wait(0)) == []  # an idle pipe is not watched for room any more


def test_closing_leaves_nobody_also_not_the_stopped_and_the_dead(make: Make) -> None:
    pool = make(3)
    filled(pool)
    processes = [psutil.Process(slot.living.pid) for slot in pool.slots]
    pool.slots[0].living.signal(signal.SIGSTOP)
    pool.slots[1].living.kill()
    pool.slots[1].living.wait(10)
    pool.close()
    assert not any(process.is_running() for process in processes)
    assert all(slot.state is SlotState.EMPTY and slot.child is None for slot in pool.slots)
    pool.close()
