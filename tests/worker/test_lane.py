"""A lane finishes records one by one, in order, and tells exactly what it finished.

In doubt because outcomes leave by two ways, acks and shared words, and a crash
may come between any two lines: what the words call settled must never be a
dead record that the supervisor has not been told of.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from tests.support import eventually
from tests.worker.batches import batch
from tests.worker.port import INDEX, NUMBER, FakePort, new_cells
from ticketpool.core.model import Reject
from ticketpool.core.policy import Backoff
from ticketpool.ipc.frames import Ack, Closed, Dead, Open, Records, Retrying
from ticketpool.worker import lane as lanes
from ticketpool.worker import words
from ticketpool.worker.async_lane import AsyncLane
from ticketpool.worker.batch_call import BatchCall
from ticketpool.worker.batch_lane import BatchLane
from ticketpool.worker.decoding import Undecodable
from ticketpool.worker.lane import Lane, Rules, described
from ticketpool.worker.loop import Loop
from ticketpool.worker.place import OnLoop

AT_ONCE = Rules(2, Backoff(0.0, 0.0), stop_on_failure=False)
LATER = Rules(2, Backoff(600.0, 600.0), stop_on_failure=False)


class OfOne(BatchCall):
    """A batch handler that is called with one record at a time."""

    def __init__(self, call: Callable[[Records, int, int], Awaitable[None]]) -> None:
        self.payload = lambda batch, i: None
        self._one = call

    async def run(self, payloads: list[Any], places: list[tuple[Records, int, int]]) -> None:
        (place,) = places
        await self._one(*place)


class Bench:
    """A lane at work on a handler that the test scripts, offset by offset.

    Args:
        kind: of lane; a batch lane's batches are of one record each.
        loop: for those that need one.
    """

    def __init__(
        self, rules: Rules, plan: dict[int, Callable[[int], None]], kind: str, loop: Loop
    ) -> None:
        self.cells = new_cells()
        self.port = FakePort(self.cells)
        self.calls: list[tuple[int, int]] = []
        self.plan = plan
        rules.batch_size = 1
        self.lane = self._lane(kind, OnLoop(loop.asyncio), rules)

    def _lane(self, kind: str, place: OnLoop, rules: Rules) -> Lane:
        opened = Open(NUMBER, "t", 0, INDEX)
        match kind:
            case "async":
                return AsyncLane(opened, self._awaited, rules, self.port, self.cells, place)
            case "batch":
                call = OfOne(self._called)
                return BatchLane(opened, call, rules, self.port, self.cells)
            case "async batch":
                call = OfOne(self._awaited)
                return BatchLane(opened, call, rules, self.port, self.cells, place)
            case _:
                return Lane(opened, self._call, rules, self.port, self.cells)

    async def _called(self, batch: Records, i: int, attempt: int) -> None:
        self._call(batch, i, attempt)

    async def _awaited(self, batch: Records, i: int, attempt: int) -> None:
        await asyncio.sleep(0)
        self._call(batch, i, attempt)

    def _call(self, batch: Records, i: int, attempt: int) -> None:
        offset = batch.offset(i)
        self.calls.append((offset, attempt))
        assert self.running() == offset
        self.plan.get(offset, _fine)(attempt)

    def put(self, *offsets: int, attempts: int = 0) -> None:
        self.lane.put(batch(NUMBER, offsets, [b""] * len(offsets), attempts=attempts))

    def through(self, offset: int) -> None:
        """Wait until everything up to there is acknowledged and settled."""
        eventually(lambda: self.acked == offset == self.settled, every=0.001)

    def close(self) -> None:
        self.lane.close()
        eventually(lambda: self.port.of(Closed), seconds=5, every=0.001)

    @property
    def acked(self) -> int | None:
        return self.port.acked

    @property
    def settled(self) -> int | None:
        return words.settled(self.cells, INDEX, NUMBER)

    def running(self) -> int | None:
        found = words.running(self.cells, INDEX, NUMBER)
        return found[0] if found else None

    @property
    def dead(self) -> list[Dead]:
        return self.port.dead


def _fine(attempt: int) -> None:
    pass


def failing(error: BaseException, times: int = 1000) -> Callable[[int], None]:
    def fail(attempt: int) -> None:
        if attempt <= times:
            raise error

    return fail


@pytest.fixture(params=["thread", "async", "batch", "async batch"])
def bench(request: pytest.FixtureRequest, loop: Loop) -> Iterator[Callable[..., Bench]]:
    """The same rules hold for every kind of lane."""
    made: list[Bench] = []

    def make(plan: dict[int, Callable[[int], None]] | None = None, rules: Rules = AT_ONCE) -> Bench:
        made.append(Bench(rules, plan or {}, request.param, loop))
        return made[-1]

    yield make
    for one in made:
        one.lane.close()


Make = Callable[..., Bench]


def test_records_run_once_in_order_and_are_acknowledged_by_batch(bench: Make) -> None:
    one = bench()
    one.put(3, 4, 9)
    one.through(9)
    one.put(10)
    one.through(10)
    one.close()
    assert one.calls == [(3, 1), (4, 1), (9, 1), (10, 1)]
    acks = one.port.of(Ack)
    assert [ack.through for ack in acks] == [9, 10]
    assert [sum(count for _, count in ack.buckets) for ack in acks] == [3, 1]
    assert all(ack.lane == NUMBER and ack.busy_ns > 0 and not ack.dead for ack in acks)
    assert one.port.sent[-1] == Closed(NUMBER)


def test_a_lane_begins_with_words_of_its_own(bench: Make) -> None:
    one = bench()
    base = INDEX * words.STRIDE
    one.cells[base + words.RUNNING], one.cells[base + words.SETTLED] = 99, 50  # an earlier lane's
    later = Lane(Open(8, "t", 0, INDEX), _never, AT_ONCE, one.port, one.cells)
    assert words.running(one.cells, INDEX, 8) is None
    assert words.settled(one.cells, INDEX, 8) is None
    assert words.settled(one.cells, INDEX, NUMBER) is None  # and the old number is not found
    later.close()


def _never(batch: Records, i: int, attempt: int) -> None:
    raise AssertionError("not called")


def test_a_busy_lane_tells_from_time_to_time(bench: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "ACK_EVERY_NS", 0)
    one = bench()
    one.put(0, 1, 2)
    one.through(2)
    assert [ack.through for ack in one.port.of(Ack)] == [0, 1, 2]


def test_a_failing_record_is_tried_again_in_place_and_the_next_waits(bench: Make) -> None:
    one = bench({5: failing(ValueError("not yet"), times=2)})
    one.put(4, 5, 6)
    one.through(6)
    assert one.calls == [(4, 1), (5, 1), (5, 2), (5, 3), (6, 1)]
    assert one.port.of(Retrying) == [
        Retrying(NUMBER, 5, attempt, 0.0, "ValueError", "not yet") for attempt in (1, 2)
    ]
    assert one.dead == []
    assert sum(ack.retried for ack in one.port.of(Ack)) == 2


def test_attempts_of_an_earlier_process_count_for_the_first_record_alone(bench: Make) -> None:
    one = bench({5: failing(ValueError("not yet"), times=2), 6: failing(ValueError("never"))})
    one.put(5, 6, 7, attempts=1)
    one.through(7)
    assert one.calls == [(5, 2), (5, 3), (6, 1), (6, 2), (6, 3), (7, 1)]
    assert [(dead.offset, dead.attempts) for dead in one.dead] == [(6, 3)]


def test_after_all_retries_in_earlier_processes_one_call_is_left(bench: Make) -> None:
    one = bench({5: failing(ValueError("never"))})
    one.put(5, attempts=9)
    one.through(5)
    assert one.calls == [(5, 10)]
    assert [dead.attempts for dead in one.dead] == [10]


def test_nothing_begins_while_the_supervisor_is_silent(
    bench: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have lost the partition to another member, and not know it yet."""
    passed = [1_000]
    monkeypatch.setattr(lanes, "monotonic_ns", lambda: passed[0] * 10**9)
    one = bench({}, Rules(0, Backoff(0.0, 0.0), False, silence_seconds=600))

    def let_pass(seconds: int) -> None:
        passed[0] += seconds

    def hear() -> None:
        one.cells[words.HEARTBEAT] = passed[0] * 10**9

    def hear_meanwhile(attempt: int) -> None:
        let_pass(599)
        hear()
        let_pass(600)

    one.plan |= {5: lambda _: let_pass(600), 7: lambda _: let_pass(601)}
    hear()
    one.put(5, 6, 7, 8)
    eventually(lambda: one.settled == 7, every=0.001)
    assert one.running() is None
    hear()
    one.through(8)
    one.plan[9] = hear_meanwhile
    one.put(9, 10)
    one.through(10)
    let_pass(1)
    one.put(11)
    one.close()
    assert [offset for offset, _ in one.calls] == [5, 6, 7, 8, 9, 10]


def test_what_was_finished_before_a_failure_does_not_wait_for_its_retries(bench: Make) -> None:
    one = bench({6: failing(ValueError())}, LATER)
    one.put(4, 5, 6, 7)
    one.through(5)
    assert one.running() is None  # a waiting record cannot hang


def test_a_record_that_fails_for_good_is_told_before_the_words_pass_it(bench: Make) -> None:
    one = bench({5: failing(KeyError("k"))})
    one.put(4, 5, 6)
    one.through(6)
    assert one.calls == [(4, 1), (5, 1), (5, 2), (5, 3), (6, 1)]
    assert one.dead == [Dead(5, 3, "KeyError", "'k'", False)]
    told = next(i for i, f in enumerate(one.port.sent) if isinstance(f, Ack) and f.dead)
    assert one.port.settled[told] == 4
    assert one.port.sent[told].through == 5


def test_retries_wait_for_the_back_off(bench: Make) -> None:
    one = bench({5: failing(ValueError())}, Rules(3, Backoff(0.01, 0.02), False))
    one.put(5)
    one.through(5)
    delays = [frame.delay_seconds for frame in one.port.of(Retrying)]
    assert len(delays) == 3
    for delay, full in zip(delays, (0.01, 0.02, 0.02), strict=True):
        assert full / 2 <= delay <= full


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Reject("no such customer"), Dead(5, 1, "Reject", "no such customer", True)),
        (Undecodable("empty"), Dead(5, 1, "Undecodable", "empty", False)),
    ],
)
def test_what_retries_would_not_help_is_not_retried(
    bench: Make, error: Exception, told: Dead
) -> None:
    one = bench({5: failing(error)})
    one.put(5, 6)
    one.through(6)
    assert one.calls == [(5, 1), (6, 1)]
    assert one.dead == [told]
    assert one.port.of(Retrying) == []


def test_a_rejection_at_a_later_attempt_ends_the_retries(bench: Make) -> None:
    def change_of_mind(attempt: int) -> None:
        raise Reject("now I see") if attempt == 2 else ValueError("what?")

    one = bench({5: change_of_mind})
    one.put(5)
    one.through(5)
    assert one.dead == [Dead(5, 2, "Reject", "now I see", True)]


class Unprintable(Exception):
    def __str__(self) -> str:
        raise SystemExit("not even this")


@pytest.mark.parametrize(
    ("error", "name", "message"),
    [
        (SystemExit(3), "SystemExit", "3"),
        (KeyboardInterrupt(), "KeyboardInterrupt", ""),
        (GeneratorExit(), "GeneratorExit", ""),
        (asyncio.CancelledError("by whom?"), "CancelledError", "by whom?"),
        (BaseExceptionGroup("many", [SystemExit()]), "BaseExceptionGroup", "many (1 sub-exc"),
        (Unprintable(), "Unprintable", "(its __str__ raised SystemExit)"),
        (ValueError("half \ud800 a pair"), "ValueError", "half ? a pair"),
        (ValueError("x" * 100_000), "ValueError", "x" * 2000),
        (RecursionError("deep"), "RecursionError", "deep"),
    ],
)
def test_whatever_a_handler_raises_is_told_as_text(
    bench: Make, error: BaseException, name: str, message: str
) -> None:
    one = bench({5: failing(error)})
    one.put(5, 6)
    one.through(6)
    [dead] = one.dead
    assert (dead.attempts, dead.error) == (3, name)
    assert dead.message.startswith(message)
    assert len(dead.message) <= 2000


def test_a_subclass_of_undecodable_is_named_by_its_kind() -> None:
    class Ours(Undecodable):
        pass

    assert described(Ours("why")) == ("Undecodable", "why")


def test_policy_stop_halts_the_lane_behind_the_dead_record(bench: Make) -> None:
    one = bench({5: failing(ValueError("no"))}, Rules(1, Backoff(0, 0), stop_on_failure=True))
    one.put(4, 5, 6)
    one.put(7)
    one.through(5)
    one.close()
    assert one.calls == [(4, 1), (5, 1), (5, 2)]
    assert one.dead == [Dead(5, 2, "ValueError", "no", False)]
    assert one.settled == 5


def test_policy_stop_does_not_stop_for_a_rejection(bench: Make) -> None:
    one = bench({5: failing(Reject("no"))}, Rules(1, Backoff(0, 0), stop_on_failure=True))
    one.put(4, 5, 6)
    one.through(6)


def test_closing_during_a_back_off_ends_at_once_and_leaves_the_record_unfinished(
    bench: Make,
) -> None:
    one = bench({5: failing(ValueError())}, LATER)
    one.put(4, 5, 6)
    eventually(lambda: one.port.of(Retrying), every=0.001)
    one.close()
    assert one.calls == [(4, 1), (5, 1)]
    assert (one.acked, one.settled, one.dead) == (4, 4, [])


def test_closing_in_a_batch_finishes_the_record_at_hand_only(bench: Make) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def wait(attempt: int) -> None:
        begun.set()
        assert go_on.wait(10)

    one = bench({5: wait})
    one.put(4, 5, 6, 7)
    one.put(8)
    assert begun.wait(10)
    one.lane.close()
    assert one.port.of(Closed) == []
    assert one.running() == 5
    go_on.set()
    eventually(lambda: one.port.of(Closed), every=0.001)
    assert one.calls == [(4, 1), (5, 1)]
    assert one.running() is None
    assert (one.acked, one.settled) == (5, 5)
    assert one.port.sent[-1] == Closed(NUMBER)


def test_closing_while_the_first_record_waits_for_its_retry_tells_of_nothing(bench: Make) -> None:
    one = bench({5: failing(ValueError())}, LATER)
    one.put(5)
    eventually(lambda: one.port.of(Retrying), every=0.001)
    one.close()
    assert one.port.of(Ack) == []
    assert one.settled is None


def test_an_idle_lane_closes(bench: Make) -> None:
    one = bench()
    one.close()
    assert one.port.sent == [Closed(NUMBER)]


def test_a_running_record_tells_since_when(bench: Make) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def wait(attempt: int) -> None:
        begun.set()
        assert go_on.wait(10)

    one = bench({0: wait})
    before = time.monotonic_ns()
    one.put(0)
    assert begun.wait(10)
    found = words.running(one.cells, INDEX, NUMBER)
    assert found is not None
    assert found[0] == 0  # offset 0 too: the words hold offset + 1
    assert before <= found[1] <= time.monotonic_ns()
    go_on.set()
    one.through(0)
