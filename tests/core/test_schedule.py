"""The schedule names each ticket once, keeps a key in one process, and can't drift.

It was once in doubt whether floating point moves a ticket to its neighbour's
time, or whether processes that work apart leave a gap between their tickets.
"""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketpool.core.schedule import UNBOUNDED, Schedule, Share, total_of

RATES = st.floats(0.01, 1e6)
KEYS = st.integers(1, 60)
WORKERS = st.integers(1, 12)


def shares_of(keys: int, workers: int) -> list[Share]:
    workers = min(keys, workers)
    return [Share(keys, workers, slot) for slot in range(workers)]


def written(share: Share, limit: int) -> list[int]:
    """The numbers below ``limit``, in the order in which the share writes them."""
    return [share.number(i) for i in range(share.rank(limit))]


@given(KEYS, WORKERS, st.integers(0, 500))
def test_every_ticket_is_written_once_by_one_process(keys: int, workers: int, limit: int) -> None:
    numbers = [n for share in shares_of(keys, workers) for n in written(share, limit)]
    assert sorted(numbers) == list(range(limit))


@given(KEYS, WORKERS, st.integers(0, 500))
def test_a_key_belongs_to_one_process_and_rises(keys: int, workers: int, limit: int) -> None:
    for share in shares_of(keys, workers):
        numbers = written(share, limit)
        assert {n % keys for n in numbers} <= set(share.own_keys)
        assert numbers == sorted(numbers)
    owners = [key for share in shares_of(keys, workers) for key in share.own_keys]
    assert sorted(owners) == list(range(keys))


@given(KEYS, WORKERS, st.integers(0, 300), st.integers(0, 300))
def test_spans_are_the_same_tickets_with_their_keys(
    keys: int, workers: int, start: int, size: int
) -> None:
    for share in shares_of(keys, workers):
        spans = list(share.spans(start, start + size))
        numbers = [n for span, _ in spans for n in span]
        indexes = [first + step for span, first in spans for step in range(len(span))]
        assert numbers == [share.number(i) for i in range(start, start + size)]
        assert [share.own_keys[index] for index in indexes] == [n % keys for n in numbers]


@given(KEYS, WORKERS, st.integers(0, 300))
def test_reach_is_the_least_limit_that_holds_what_was_written(
    keys: int, workers: int, done: int
) -> None:
    for share in shares_of(keys, workers):
        assert share.rank(share.reach(done)) == done
        assert done == 0 or share.rank(share.reach(done) - 1) == done - 1


@given(KEYS, WORKERS, st.data())
def test_a_limit_at_the_furthest_reach_leaves_no_gap_and_takes_nothing_back(
    keys: int, workers: int, data: st.DataObject
) -> None:
    shares = shares_of(keys, workers)
    done = [data.draw(st.integers(0, 80)) for _ in shares]
    limit = max(share.reach(each) for share, each in zip(shares, done, strict=True))
    final = [share.rank(limit) for share in shares]
    assert all(after >= before for after, before in zip(final, done, strict=True))
    assert sum(final) == limit


@given(RATES, st.integers(0, 10**7))
def test_a_ticket_is_released_when_it_is_due_and_not_before(rate: float, n: int) -> None:
    schedule = Schedule(rate)
    due = schedule.due_seconds(n)
    assert schedule.released(due) >= n + 1
    assert schedule.due_seconds(schedule.released(due) - 1) <= due


@given(RATES, st.floats(0, 1e4))
def test_released_are_exactly_the_tickets_that_are_due(rate: float, elapsed: float) -> None:
    schedule = Schedule(rate)
    released = schedule.released(elapsed)
    assert schedule.due_seconds(released - 1) <= elapsed < schedule.due_seconds(released)


@pytest.mark.parametrize("rate", [0.1, 3.0, 7.0, 49.0, 1000 / 7])
def test_rounding_of_the_product_is_mended_both_ways(rate: float) -> None:
    # (61 / 7) * 7 is a little less than 61, and just before 3 / 0.1 times 0.1 is 3.
    schedule = Schedule(rate)
    for n in range(1, 1000):
        due = schedule.due_seconds(n)
        assert schedule.released(due) == n + 1
        assert schedule.released(math.nextafter(due, 0)) == n


def test_pace_does_not_drift_over_days() -> None:
    assert Schedule(100.0).due_seconds(100 * 86_400 * 30) == 86_400 * 30


def test_before_the_start_nothing_is_due() -> None:
    assert Schedule(100.0).released(-0.001) == 0
    assert Schedule(0.0).released(-0.001) == 0


def test_without_a_rate_everything_is_due_at_once() -> None:
    assert Schedule(0.0).released(0.0) == UNBOUNDED
    assert Schedule(0.0).due_seconds(10**9) == 0.0


@pytest.mark.parametrize(
    ("rate", "count", "duration", "total"),
    [
        (100.0, None, 60.0, 6000),
        (100.0, 5, None, 5),
        (100.0, 5, 60.0, 5),
        (100.0, 9000, 60.0, 6000),
        (0.1, None, 30.0, 3),
        (0.1, None, 5.0, 1),
        (100.0, None, 0.0, 0),
        (0.0, 7, 60.0, 7),
        (0.0, None, 60.0, None),
        (100.0, None, None, None),
    ],
)
def test_total(rate: float, count: int | None, duration: float | None, total: int | None) -> None:
    assert total_of(Schedule(rate), count, duration) == total


SHAPES = st.builds(
    Schedule,
    st.floats(0.1, 1e5),
    ramp_seconds=st.just(0.0) | st.floats(0.01, 100),
    jitter=st.just(0.0) | st.floats(0, 1),
)


@given(SHAPES, st.integers(0, 10**6))
def test_a_bent_schedule_keeps_the_order(schedule: Schedule, n: int) -> None:
    assert schedule.due_seconds(n) <= schedule.due_seconds(n + 1)


@given(SHAPES, st.floats(0, 1e3))
def test_released_are_what_is_due_in_a_bent_schedule(schedule: Schedule, elapsed: float) -> None:
    released = schedule.released(elapsed)
    assert released == 0 or schedule.due_seconds(released - 1) <= elapsed
    assert elapsed < schedule.due_seconds(released)


def test_a_first_ticket_that_is_late_is_not_released_at_once() -> None:
    schedule = Schedule(1.0, jitter=1.0)
    assert schedule.due_seconds(0) > 0
    assert schedule.released(0.0) == 0


def test_a_ramp_rises_in_a_straight_line() -> None:
    schedule = Schedule(1000.0, ramp_seconds=10.0)
    tenths = [schedule.released(t) for t in range(13)]
    a_second = [after - before for before, after in itertools.pairwise(tenths)]
    assert a_second[:10] == pytest.approx([50 + 100 * t for t in range(10)], abs=1)
    assert a_second[10:] == pytest.approx([1000, 1000], abs=1)


def test_a_ramp_costs_half_its_tickets() -> None:
    assert total_of(Schedule(100.0, ramp_seconds=10.0), None, 60.0) == 5500
    assert total_of(Schedule(100.0, ramp_seconds=10.0), None, 5.0) == 125


def test_jitter_moves_tickets_within_their_own_time_and_does_not_drift() -> None:
    plain, schedule = Schedule(100.0), Schedule(100.0, jitter=0.5)
    late = [schedule.due_seconds(n) - plain.due_seconds(n) for n in range(10**6, 10**6 + 1000)]
    assert all(0 <= each < 0.005 for each in late)
    assert sum(late) / len(late) == pytest.approx(0.0025, rel=0.1)
    assert min(late) < 0.0005
    assert max(late) > 0.0045
