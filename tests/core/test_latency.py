"""A few integers tell quantiles to 6 % (an eighth of a power of two: 12.5 % at worst)."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketpool.core.latency import BUCKETS, Histogram, bucket_of, count_sorted, upper_ns

HOUR_NS = 3_600_000_000_000
durations = st.integers(0, 3 * HOUR_NS) | st.integers(0, 100)


@given(durations)
def test_a_duration_lies_in_its_bucket_and_not_in_the_one_below(nanoseconds: int) -> None:
    bucket = bucket_of(nanoseconds)
    assert 0 <= bucket < BUCKETS
    assert nanoseconds <= upper_ns(bucket) or bucket == BUCKETS - 1
    assert bucket == 0 or nanoseconds > upper_ns(bucket - 1)


@given(st.integers(16, 2 * HOUR_NS))
def test_the_bound_of_a_bucket_is_near(nanoseconds: int) -> None:
    assert nanoseconds <= upper_ns(bucket_of(nanoseconds)) < nanoseconds * 1.125


def test_what_cannot_be_is_still_counted() -> None:
    assert bucket_of(-5) == 0
    assert bucket_of(2**80) == BUCKETS - 1


@given(st.lists(durations))
def test_counting_sorted_durations_is_counting_each(values: list[int]) -> None:
    assert dict(count_sorted(sorted(values))) == Counter(map(bucket_of, values))


@given(st.lists(durations), st.lists(durations))
def test_two_histograms_add_up(first: list[int], second: list[int]) -> None:
    parts, whole = Histogram(), Histogram()
    for values in (first, second):
        parts.add(count_sorted(sorted(values)), sum(values))
    whole.add(count_sorted(sorted(first + second)), sum(first + second))
    assert (parts.counts, parts.count, parts.sum_ns) == (whole.counts, whole.count, whole.sum_ns)


@given(st.lists(durations, min_size=1), st.floats(0, 1))
def test_a_quantile_is_the_bound_of_the_bucket_that_holds_it(values: list[int], q: float) -> None:
    histogram = Histogram()
    histogram.add(count_sorted(sorted(values)))
    rank = next(i for i in range(len(values)) if i + 1 >= q * len(values))
    exact = sorted(values)[rank]
    assert histogram.quantile_seconds(q) == upper_ns(bucket_of(exact)) / 1e9


def test_nothing_has_no_quantile() -> None:
    assert Histogram().quantile_seconds(0.5) is None


@pytest.mark.parametrize("q", [0.0, 0.5, 1.0])
def test_one_value_is_every_quantile(q: float) -> None:
    histogram = Histogram()
    histogram.add([(bucket_of(1_000_000), 1)])
    assert histogram.quantile_seconds(q) == pytest.approx(0.001, rel=0.07)
