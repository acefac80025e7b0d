"""Quantiles are of the last minute, the histogram of the whole life.

In doubt because both come from the same counts, and a partition may rest in between.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketpool.core.latency import BUCKETS, bucket_of, upper_ns
from ticketpool.core.timing import HANDLER, WAITING, WINDOW_SECONDS, Scale, Timing

MILLISECOND = bucket_of(1_000_000)


def ran(timing: Timing, milliseconds: int, count: int) -> None:
    """So many calls of a handler, as an ack tells them."""
    nanoseconds = milliseconds * 1_000_000
    timing.add([(bucket_of(nanoseconds), count)], nanoseconds * count)


def test_nothing_has_a_histogram_without_records() -> None:
    told = Timing().spread(0.0)
    assert (told.p50_ms, told.p99_ms, told.seconds) == (None, None, 0.0)
    assert [count for _, count in told.buckets] == [0] * (len(HANDLER.told) + 1)
    assert told.buckets[-1][0] is None


def test_quantiles_of_the_first_minute_are_of_all() -> None:
    timing = Timing()
    ran(timing, 1, 98)
    ran(timing, 1000, 2)
    told = timing.spread(5.0)
    assert told.p50_ms == pytest.approx(1, rel=0.13)
    assert told.p99_ms == pytest.approx(1000, rel=0.13)
    assert told.seconds == pytest.approx(2.098)


def test_what_was_slow_an_hour_ago_is_in_the_histogram_and_not_in_the_quantiles() -> None:
    timing = Timing()
    ran(timing, 10_000, 1000)
    timing.spread(0.0)
    ran(timing, 1, 10)
    told = timing.spread(WINDOW_SECONDS)
    assert told.p99_ms == pytest.approx(1, rel=0.13)
    assert dict(told.buckets)[1.0] == 10
    assert told.buckets[-1] == (None, 1010)


def test_the_window_moves_while_records_come() -> None:
    timing = Timing()
    for second in range(0, 200, 2):
        ran(timing, second + 1, 1)
        told = timing.spread(float(second))
    assert told.p50_ms is not None
    assert 198 - 80 / 2 - 2 <= told.p50_ms <= (198 - 60 / 2) * 1.13


def test_a_minute_without_records_has_no_quantile() -> None:
    timing = Timing()
    ran(timing, 1, 10)
    assert timing.spread(0.0).p50_ms is not None
    for second in range(20, 100, 20):
        told = timing.spread(float(second))
    assert (told.p50_ms, told.p99_ms) == (None, None)
    assert told.buckets[-1] == (None, 10)


def test_a_partition_that_returns_after_a_rest_tells_what_came_since() -> None:
    timing = Timing()
    ran(timing, 1, 10)
    timing.spread(0.0)
    ran(timing, 1000, 10)
    timing.spread(1.0)  # revoked here, for an hour: nobody asks
    ran(timing, 10, 1)
    told = timing.spread(3600.0)
    assert told.p50_ms in (pytest.approx(10, rel=0.13), pytest.approx(1000, rel=0.13))
    timing.spread(3620.0)
    ran(timing, 10, 1)
    assert timing.spread(3690.0).p99_ms == pytest.approx(10, rel=0.13)


def test_an_old_answer_is_given_again_for_as_long_as_it_may() -> None:
    timing = Timing()
    assert timing.spread(0.0, 2.0).p50_ms is None
    ran(timing, 1, 1)
    first = timing.spread(0.5, 2.0)
    assert first.p50_ms is not None  # the first record is told at once
    ran(timing, 1, 1)
    assert timing.spread(2.0, 2.0) is first
    assert timing.spread(2.5, 2.0).buckets[-1] == (None, 2)
    assert timing.spread(3.0) is timing.spread(3.0)  # nothing new


@pytest.mark.parametrize("scale", [HANDLER, WAITING], ids=["handler", "waiting"])
@given(st.lists(st.tuples(st.floats(0, 4000), st.integers(1, 9)), min_size=1))
def test_each_bound_counts_what_is_not_above_it(
    scale: Scale, samples: list[tuple[float, int]]
) -> None:
    timing = Timing(scale)
    for seconds, count in samples:
        timing.note(seconds, count)
    told = timing.spread(0.0)
    for bound, count in told.buckets[:-1]:
        assert bound is not None
        assert count <= sum(n for seconds, n in samples if seconds <= bound)
        assert count >= sum(n for seconds, n in samples if seconds * 1.126 <= bound)
    assert told.buckets[-1][1] == sum(n for _, n in samples)
    assert told.seconds == pytest.approx(sum(s * n for s, n in samples), abs=1e-6)


@pytest.mark.parametrize(("seconds", "told"), [(-3.0, 0.0), (1e12, WAITING.upper[-1])])
def test_a_clock_that_is_wrong_spoils_no_sum(seconds: float, told: float) -> None:
    timing = Timing(WAITING)
    timing.note(seconds, 2)
    found = timing.spread(0.0)
    assert found.seconds == pytest.approx(2 * told)
    assert found.p50_ms == pytest.approx(told * 1e3)
    assert found.buckets[-1] == (None, 2)


def test_a_scale_covers_what_it_says() -> None:
    assert HANDLER.upper[-1] == pytest.approx(upper_ns(BUCKETS - 1) / 1e9)
    assert 98 < WAITING.upper[-1] / 86_400 < 200
