"""A batch of consecutive records is called at once and settled at once; a culprit pays alone.

In doubt because one exception stands for many records: the good ones among them must neither
become dead letters nor be settled before what stands in front of them.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import eventually
from tests.worker.batches import batch
from tests.worker.port import INDEX, NUMBER, FakePort, new_cells
from ticketpool.core.model import PartialFailure, Reject
from ticketpool.core.policy import Backoff
from ticketpool.ipc.frames import Ack, Closed, Open, Records, Retrying
from ticketpool.worker import words
from ticketpool.worker.batch_call import BatchCall
from ticketpool.worker.batch_lane import BatchLane
from ticketpool.worker.decoding import Undecodable
from ticketpool.worker.lane import Rules
from ticketpool.worker.loop import Loop
from ticketpool.worker.place import OnLoop

LONG = 600.0

Deed = Callable[[list[int]], object]


class Scripted(BatchCall):
    """Calls ``deed`` with the offsets of a batch; offsets in ``undecodable`` are just that."""

    def __init__(self, deed: Deed, undecodable: frozenset[int]) -> None:
        self.calls: list[list[int]] = []
        self.attempts: list[list[int]] = []
        self.payload = self._payload
        self._deed = deed
        self.away, self.times_away = -1, 0  # the offset, and how often decoding it fails
        self._undecodable = undecodable

    def _payload(self, records: Records, i: int) -> int:
        if records.offset(i) == self.away and self.times_away:
            self.times_away -= 1
            raise ConnectionError("the registry is away")
        if records.offset(i) in self._undecodable:
            raise Undecodable("not JSON")
        return records.offset(i)

    async def run(self, payloads: list[Any], places: list[tuple[Records, int, int]]) -> None:
        self.calls.append(payloads)
        self.attempts.append([attempt for _, _, attempt in places])
        result = self._deed(payloads)
        if asyncio.iscoroutine(result):
            await result


class Bench:
    """A lane of a batch handler at work."""

    def __init__(
        self,
        deed: Deed = lambda offsets: None,
        *,
        size: int = 4,
        seconds: float = LONG,
        retries: int = 1,
        stop: bool = False,
        backoff: float = 0.0,
        undecodable: frozenset[int] = frozenset(),
        loop: Loop | None = None,
    ) -> None:
        self.cells = new_cells()
        self.port = FakePort(self.cells)
        self.handler = Scripted(deed, undecodable)
        rules = Rules(
            retries, Backoff(backoff, backoff), stop, batch_size=size, batch_seconds=seconds
        )
        place = OnLoop(loop.asyncio) if loop else None
        opened = Open(NUMBER, "t", 0, INDEX)
        self.lane = BatchLane(opened, self.handler, rules, self.port, self.cells, place)

    def put(self, *offsets: int, no_more: bool = False, attempts: int = 0) -> None:
        frame = batch(NUMBER, offsets, [b""] * len(offsets), attempts=attempts)
        self.lane.put(msgspec.structs.replace(frame, no_more=no_more))

    def through(self, offset: int) -> None:
        eventually(lambda: self.port.acked == offset == self.settled, every=0.001)

    def close(self, until: float | None = None) -> None:
        self.lane.close(until)
        eventually(lambda: self.port.of(Closed), every=0.001)

    @property
    def settled(self) -> int | None:
        return words.settled(self.cells, INDEX, NUMBER)

    @property
    def running(self) -> int | None:
        found = words.running(self.cells, INDEX, NUMBER)
        return found[0] if found else None

    @property
    def calls(self) -> list[list[int]]:
        return self.handler.calls

    @property
    def dead(self) -> list[tuple[int, str]]:
        return [(dead.offset, dead.error) for dead in self.port.dead]


Make = Callable[..., Bench]


@pytest.fixture
def bench() -> Iterator[Make]:
    made: list[Bench] = []

    def make(*args: Any, **given: Any) -> Bench:
        made.append(Bench(*args, **given))
        return made[-1]

    yield make
    for one in made:
        one.lane.close()


def failing_with(*culprits: int, error: type[Exception] = ValueError) -> Deed:
    """A handler that fails whenever one of these is in the batch."""

    def deed(offsets: list[int]) -> None:
        if found := set(culprits) & set(offsets):
            raise error(f"{min(found)}")

    return deed


# -- how a batch comes about --------------------------------------------------------------


def test_full_batches_go_at_once(bench: Make) -> None:
    one = bench()
    one.put(*range(8))
    one.through(7)
    assert one.calls == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_a_batch_that_is_not_full_waits_for_company(bench: Make) -> None:
    one = bench()
    one.put(0, 1, 2, 3, 4, 5)
    one.through(3)  # acknowledged before it waits
    assert one.running is None  # and what waits can't hang
    one.put(6)
    one.put(7)
    one.through(7)
    assert one.calls == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_it_waits_no_longer_than_it_may(bench: Make) -> None:
    one = bench(seconds=0.05)
    began = time.monotonic()
    one.put(0, 1)
    one.through(1)
    assert time.monotonic() - began >= 0.05
    assert one.calls == [[0, 1]]


def test_it_does_not_wait_for_what_will_not_come(bench: Make) -> None:
    one = bench()
    one.put(0, no_more=True)
    one.through(0)
    one.put(1, 2, 3, 4, 5, no_more=True)
    one.through(5)
    assert one.calls == [[0], [1, 2, 3, 4], [5]]


def test_a_batch_settles_together(bench: Make) -> None:
    seen: list[tuple[int | None, int | None]] = []
    one: Bench = bench(lambda offsets: seen.append((one.running, one.settled)))
    one.put(3, 5, 9, 10)
    one.through(10)
    assert seen == [(3, None)]
    (ack,) = one.port.of(Ack)
    assert (ack.through, sum(count for _, count in ack.buckets)) == (10, 4)


# -- when it fails ------------------------------------------------------------------------


def test_it_is_tried_again_as_a_whole_first(bench: Make) -> None:
    def fail_twice(offsets: list[int]) -> None:
        if len(one.calls) <= 2:
            raise ValueError("not yet")

    one = bench(fail_twice, retries=2)
    one.put(0, 1, 2, 3)
    one.through(3)
    assert one.calls == [[0, 1, 2, 3]] * 3
    assert one.handler.attempts == [[1] * 4, [2] * 4, [3] * 4]
    assert [(frame.offset, frame.attempt) for frame in one.port.of(Retrying)] == [(0, 1), (0, 2)]
    assert one.dead == []


def test_then_halves_of_it_find_the_culprit(bench: Make) -> None:
    one = bench(failing_with(5), size=8)
    one.put(*range(8))
    one.through(7)
    assert one.calls == [
        [0, 1, 2, 3, 4, 5, 6, 7],
        [0, 1, 2, 3, 4, 5, 6, 7],  # its retry
        [0, 1, 2, 3],
        [4, 5],
        [4],
        [5],
        [6, 7],
    ]
    assert one.dead == [(5, "ValueError")]
    told = next(i for i, f in enumerate(one.port.sent) if isinstance(f, Ack) and f.dead)
    assert one.port.settled[told] == 4  # what came before is settled, and nothing after
    assert one.port.dead[0].attempts == 4


def test_what_comes_behind_the_culprit_is_a_batch_anew(bench: Make) -> None:
    one = bench(failing_with(0, 2))
    one.put(0, 1, 2, 3)
    one.through(3)
    assert one.dead == [(0, "ValueError"), (2, "ValueError")]
    assert [1, 2, 3] in one.calls


def test_a_batch_that_fails_together_only_loses_nobody(bench: Make) -> None:
    def too_many(offsets: list[int]) -> None:
        if len(offsets) > 1:
            raise ValueError("one at a time, please")

    one = bench(too_many)
    one.put(0, 1, 2, 3)
    one.through(3)
    assert one.dead == []


def test_attempts_of_an_earlier_process_count(bench: Make) -> None:
    one = bench(failing_with(0), retries=3)
    one.put(0, attempts=3, no_more=True)
    one.through(0)
    assert one.handler.attempts == [[4]]
    assert one.port.dead[0].attempts == 4


def test_a_rejection_is_not_retried_and_its_culprit_found(bench: Make) -> None:
    one = bench(failing_with(1, error=Reject), retries=5)
    one.put(0, 1, 2, 3)
    one.through(3)
    assert one.calls == [[0, 1, 2, 3], [0, 1], [0], [1], [2, 3]]
    (dead,) = one.port.dead
    assert (dead.offset, dead.rejected) == (1, True)
    assert one.port.of(Retrying) == []


def naming(culprit: int, error: BaseException, times: int = 1000) -> Deed:
    """A handler that says who it was."""
    left = [times]

    def deed(offsets: list[int]) -> None:
        if culprit in offsets and left[0]:
            left[0] -= 1
            raise PartialFailure(offsets.index(culprit), error)

    return deed


def test_a_handler_that_names_the_culprit_spares_the_others(bench: Make) -> None:
    one = bench(naming(2, ValueError("that one")), size=5, retries=2)
    one.put(0, 1, 2, 3, 4)
    one.through(4)
    assert one.calls == [[0, 1, 2, 3, 4], [2], [2], [3, 4]]
    (dead,) = one.port.dead
    assert (dead.offset, dead.attempts, dead.error, dead.message) == (
        2,
        3,
        "ValueError",
        "that one",
    )
    assert [(frame.offset, frame.attempt) for frame in one.port.of(Retrying)] == [(2, 1), (2, 2)]


def test_the_named_one_may_succeed_by_itself(bench: Make) -> None:
    one = bench(naming(2, ValueError(), times=1))
    one.put(0, 1, 2, 3)
    one.through(3)
    assert one.calls == [[0, 1, 2, 3], [2], [3]]
    assert one.dead == []


def test_what_was_before_the_named_one_is_settled_while_that_waits(bench: Make) -> None:
    one = bench(naming(2, ValueError()), backoff=LONG)
    one.put(0, 1, 2, 3)
    one.through(1)
    one.close()
    assert one.settled == 1
    assert one.dead == []


def test_a_named_rejection_is_final(bench: Make) -> None:
    one = bench(naming(0, Reject("no such customer")), retries=5)
    one.put(0, 1, 2, 3)
    one.through(3)
    assert one.calls == [[0, 1, 2, 3], [1, 2, 3]]
    assert one.dead == [(0, "Reject")]


@pytest.mark.parametrize("index", [-1, 4, "2", None])
def test_a_name_that_fits_nobody_names_nobody(bench: Make, index: Any) -> None:
    def deed(offsets: list[int]) -> None:
        if 3 in offsets:
            raise PartialFailure(index if len(offsets) == 4 else 99, ValueError())

    one = bench(deed)
    one.put(0, 1, 2, 3)
    one.through(3)
    assert one.calls == [[0, 1, 2, 3], [0, 1, 2, 3], [0, 1], [2], [3]]
    assert one.dead == [(3, "PartialFailure")]


# -- what can't be decoded ------------------------------------------------------------------


def test_the_undecodable_go_by_themselves_and_the_others_stay_together(bench: Make) -> None:
    one = bench(size=6, undecodable=frozenset({0, 2, 3, 5}))
    one.put(0, 1, 2, 3, 4, 5)
    one.through(5)
    assert one.calls == [[1, 4]]
    assert [offset for offset, _ in one.dead] == [0, 2, 3, 5]
    told = {
        dead.offset: before
        for frame, before in zip(one.port.sent, one.port.settled, strict=True)
        for dead in (frame.dead if isinstance(frame, Ack) else ())
    }
    assert told == {0: None, 2: 1, 3: 2, 5: 4}


def test_the_undecodable_before_a_culprit_goes_first(bench: Make) -> None:
    one = bench(failing_with(3), size=5, undecodable=frozenset({2}))
    one.put(0, 1, 2, 3, 4)
    one.through(4)
    assert one.dead == [(2, "Undecodable"), (3, "ValueError")]
    assert one.calls == [[0, 1, 3, 4], [0, 1, 3, 4], [0, 1], [3], [4]]


@pytest.mark.parametrize(("times", "dead"), [(2, []), (1000, [(1, "ConnectionError")])])
def test_what_cannot_be_decoded_for_the_moment_is_tried_again(
    bench: Make, times: int, dead: list[tuple[int, str]]
) -> None:
    one = bench()
    one.handler.away, one.handler.times_away = 1, times
    one.put(0, 1, 2, 3)
    one.through(3)
    assert one.dead == dead
    assert [(frame.offset, frame.attempt) for frame in one.port.of(Retrying)] == [(0, 1)]
    assert one.calls == ([[0], [2, 3]] if dead else [[0, 1, 2, 3]])


def test_the_policy_stop_stops_at_the_first_of_them(bench: Make) -> None:
    one = bench(undecodable=frozenset({2}), stop=True)
    one.put(0, 1, 2, 3)
    one.through(2)
    one.close()
    assert one.calls == [[0, 1]]
    assert one.dead == [(2, "Undecodable")]


def test_the_policy_stop_stops_behind_the_culprit(bench: Make) -> None:
    one = bench(failing_with(1), stop=True)
    one.put(0, 1, 2, 3)
    one.put(4, 5, 6, 7)
    one.through(1)
    one.close()
    assert one.dead == [(1, "ValueError")]
    assert [2, 3] not in one.calls


# -- the end --------------------------------------------------------------------------------


def test_a_closing_lane_finishes_the_batch_at_hand_only(bench: Make) -> None:
    one: Bench = bench(lambda offsets: one.lane.close())
    one.put(*range(8))
    eventually(lambda: one.port.of(Closed), every=0.001)
    assert one.calls == [[0, 1, 2, 3]]
    assert one.port.acked == one.settled == 3


@pytest.mark.parametrize("on_loop", [False, True], ids=["thread", "loop"])
def test_closing_ends_every_wait(bench: Make, loop: Loop, on_loop: bool) -> None:
    where = {"loop": loop if on_loop else None}
    waiting = bench(**where)
    waiting.put(0, 1)
    retrying = bench(failing_with(0), backoff=LONG, **where)
    retrying.put(0, 1, 2, 3)
    eventually(lambda: retrying.port.of(Retrying), every=0.001)
    for one in (waiting, retrying):
        one.close()
        assert one.settled is None
        assert one.port.of(Ack) == []


def test_an_async_batch_is_cancelled_at_the_deadline(bench: Make, loop: Loop) -> None:
    async def hold(offsets: list[int]) -> None:
        await asyncio.sleep(60)

    one = bench(lambda offsets: hold(offsets) if 4 in offsets else None, loop=loop, retries=0)
    one.put(*range(8))
    eventually(lambda: one.running == 4, every=0.001)
    one.close(time.monotonic())
    assert one.port.of(Closed) == [Closed(NUMBER, cut_off=True)]
    assert one.port.acked == one.settled == 3
    assert one.dead == []


def test_nothing_is_begun_while_the_supervisor_is_silent(bench: Make) -> None:
    one = bench()
    one.lane._rules.silence_ns = 10**9
    one.put(0, 1, 2, 3)
    one.close()
    assert one.calls == []


# -- whatever happens -------------------------------------------------------------------------

FATES = ("ok", "ok", "ok", "bad", "reject", "undecodable", "named", "flaky")


@settings(max_examples=100, deadline=None)
@given(
    fates=st.lists(st.sampled_from(FATES), min_size=1, max_size=24),
    size=st.integers(1, 9),
    retries=st.integers(0, 2),
    frame=st.integers(1, 7),
)
def test_each_record_ends_once_in_order_and_only_culprits_die(
    fates: list[str], size: int, retries: int, frame: int
) -> None:
    done: list[int] = []
    tries = [0] * len(fates)

    def deed(offsets: list[int]) -> None:
        for index, offset in enumerate(offsets):
            tries[offset] += 1
            match fates[offset]:
                case "bad":
                    raise ValueError
                case "reject":
                    raise Reject("no")
                case "named":
                    done.extend(offsets[:index])
                    raise PartialFailure(index, ValueError())
                case "flaky" if tries[offset] == 1:
                    raise ValueError("once")
        done.extend(offsets)

    undecodable = frozenset(i for i, fate in enumerate(fates) if fate == "undecodable")
    one = Bench(deed, size=size, seconds=0.0, retries=retries, undecodable=undecodable)
    for start in range(0, len(fates), frame):
        one.put(*range(start, min(start + frame, len(fates))))
    one.through(len(fates) - 1)
    one.close()
    culprits = [i for i, fate in enumerate(fates) if fate not in ("ok", "flaky")]
    dead = [offset for offset, _ in one.dead]
    assert [offset for offset in dead if fates[offset] != "flaky"] == culprits
    assert all(a < b for a, b in pairwise(dead))
    assert sorted(done) == done == [i for i in range(len(fates)) if i not in dead]
    assert all(a <= b for a, b in pairwise(s for s in one.port.settled if s is not None))
    assert max(map(len, one.calls), default=0) <= size
