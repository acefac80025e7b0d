"""Queue wait and age are measured once for each ack, and count for all its records.

In doubt because they are reckoned back from the ack, and more acks may come than can be measured.
"""

import pytest

from tests.supervisor.lanes import sent
from ticketpool.core.lane import Lane
from ticketpool.core.status import Spread
from ticketpool.supervisor.stopwatch import EVERY_SECONDS, MOST_SAMPLES, Stopwatch

NOW, WALL = 1000.0, 1_700_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def stopwatch(clock: Clock | None = None) -> Stopwatch:
    return Stopwatch(clock or Clock(), lambda: WALL)


def settle(watch: Stopwatch, lane: Lane, through: int, busy_seconds: float = 0.0) -> None:
    watch.settled(lane, lane.ledger.settle(through), int(busy_seconds * 1e9))


def told(lane: Lane) -> tuple[Spread, Spread]:
    return lane.counts.queue_wait.spread(NOW), lane.counts.end_to_end.spread(NOW)


def count(spread: Spread) -> int:
    return spread.buckets[-1][1]


def test_one_record_is_exact() -> None:
    lane = sent([int((WALL - 10) * 1000)], read_at=NOW - 3)
    settle(stopwatch(), lane, 0, busy_seconds=1.0)
    wait, age = told(lane)
    assert count(wait) == 1
    assert wait.seconds == pytest.approx(2.0)
    assert count(age) == 1
    assert age.seconds == pytest.approx(10.0)
    assert wait.p50_ms == pytest.approx(2000, rel=0.13)


def test_the_middle_one_stands_for_all() -> None:
    lane = sent([int((WALL - age) * 1000) for age in (50, 40, 30, 20, 10)], read_at=NOW - 3)
    settle(stopwatch(), lane, 4, busy_seconds=2.0)
    wait, age = told(lane)
    assert count(wait) == 5
    assert wait.seconds == pytest.approx(5 * 2.0)  # in the middle of its 2 s
    assert count(age) == 5
    assert age.seconds == pytest.approx(5 * 30.0)


def test_a_part_of_a_frame_is_measured_by_itself() -> None:
    lane = sent([int((WALL - age) * 1000) for age in (50, 40, 30, 20, 10)], read_at=NOW - 3)
    watch = stopwatch()
    settle(watch, lane, 2)
    assert told(lane)[1].seconds == pytest.approx(3 * 40.0)
    settle(watch, lane, 4)
    assert told(lane)[1].seconds == pytest.approx(3 * 40.0 + 2 * 10.0)
    assert told(lane)[0].seconds == pytest.approx(5 * 3.0)


def test_a_record_without_a_timestamp_has_no_age() -> None:
    lane = sent([None], read_at=NOW - 1)
    settle(stopwatch(), lane, 0)
    wait, age = told(lane)
    assert (count(wait), count(age)) == (1, 0)


def test_a_producer_s_clock_ahead_of_ours_makes_no_negative_age() -> None:
    lane = sent([int((WALL + 60) * 1000)], read_at=NOW)
    settle(stopwatch(), lane, 0)
    assert (count(told(lane)[1]), told(lane)[1].seconds) == (1, 0.0)


def test_an_ack_that_settles_nothing_counts_nothing() -> None:
    lane = sent([0], read_at=NOW)
    watch = stopwatch()
    watch.settled(lane, 0, 5)
    settle(watch, lane, 0)
    settle(watch, lane, 0)  # told again, by the words
    assert count(told(lane)[0]) == 1


def test_acks_beyond_the_budget_count_with_the_next_that_is_measured() -> None:
    clock, number = Clock(), MOST_SAMPLES + 10
    lane = sent([int(WALL * 1000)] * (number + 2), read_at=NOW)
    watch = stopwatch(clock)
    for offset in range(number):
        settle(watch, lane, offset)
    assert count(told(lane)[0]) == MOST_SAMPLES
    clock.now += EVERY_SECONDS
    settle(watch, lane, number)
    settle(watch, lane, number + 1)
    assert count(told(lane)[0]) == number + 2
