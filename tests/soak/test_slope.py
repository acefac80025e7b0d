"""The gate on growth sees a leak through noise, is not fooled by outliers, and never passes for
want of evidence.

In doubt because a gate that passes on three samples, or on a mean that one outlier drags down,
lets every leak through and looks green.
"""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.soak.slope import Limit, Sample, after, gate, theil_sen, thinned

LIMIT = Limit(per_hour=4, in_all=2)


def line(slope_per_hour: float, seconds: int = 7200, noise: float = 0) -> list[Sample]:
    dice = random.Random(7)
    return [
        (t, 100 + slope_per_hour * t / 3600 + dice.gauss(0, noise)) for t in range(0, seconds, 2)
    ]


@given(
    st.lists(st.integers(0, 10**4), min_size=2, max_size=30, unique=True),
    st.integers(-100, 100),
    st.integers(-100, 100),
)
def test_a_line_has_its_slope_and_no_band(times: list[int], slope: int, start: int) -> None:
    found = theil_sen([(t, start + slope * t) for t in times])
    assert found == pytest.approx((slope, slope, slope))


def test_known_figures() -> None:
    """Slopes of the six pairs: -1, 0, 1, 1, 1.5, 3; the band of four samples spans them all."""
    found = theil_sen([(0, 0), (1, 1), (2, 0), (3, 3)])
    assert found == (-1, 1, 3)


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(-99, 99)), min_size=2, max_size=30))
def test_the_estimate_lies_in_the_band_and_turns_with_the_sign(samples: list[Sample]) -> None:
    if len({t for t, _ in samples}) < 2:
        with pytest.raises(ValueError, match="two distinct times"):
            theil_sen(samples)
        return
    found = theil_sen(samples)
    assert found.low <= found.estimate <= found.high
    assert theil_sen([(t, -v) for t, v in samples]).estimate == pytest.approx(-found.estimate)


def test_the_band_holds_the_truth_about_as_often_as_it_says() -> None:
    dice, hits = random.Random(11), 0
    for _ in range(200):
        found = theil_sen([(t, 0.5 * t + dice.gauss(0, 3)) for t in range(40)])
        hits += found.low <= 0.5 <= found.high
    assert 180 <= hits <= 199


def test_a_quarter_of_outliers_changes_nothing() -> None:
    samples = [(t, 1e9 if t % 8 == 0 else v) for t, v in line(0)]
    assert gate(samples, LIMIT).ok


def test_a_leak_is_seen_through_noise_and_steadiness_is_too() -> None:
    assert not gate(line(8, noise=5), LIMIT).ok
    assert gate(line(0, noise=5), LIMIT).ok
    assert gate(line(-50, noise=5), LIMIT).ok


def test_short_runs_are_allowed_what_would_be_a_steep_slope() -> None:
    """1.5 in 100 s are 54 an hour, but no more than ``in_all``; 3 are too much even so."""
    assert gate(line(54, seconds=100), LIMIT).ok
    assert not gate(line(108, seconds=100), LIMIT).ok


def test_steps_of_one_at_a_time_are_a_leak() -> None:
    """A descriptor every ten minutes, over four hours: most neighbours are equal."""
    stairs = [(float(t), float(t // 600)) for t in range(0, 4 * 3600, 10)]
    assert not gate(stairs, Limit(per_hour=1, in_all=2)).ok


@pytest.mark.parametrize(
    "samples",
    [[], line(0)[:19], [(5.0, 1.0)] * 100],
    ids=["none", "nineteen", "one moment"],
)
def test_want_of_evidence_fails(samples: list[Sample]) -> None:
    assert not gate(samples, LIMIT).ok


def test_more_samples_can_be_demanded() -> None:
    assert not gate(line(0)[:100], LIMIT, least=101).ok
    assert gate(line(0)[:101], LIMIT, least=101).ok


@pytest.mark.parametrize("count", [0, 1, 599, 600, 601, 5000])
def test_thinning_keeps_the_slope_and_few_points(count: int) -> None:
    found = thinned([(float(t), 3.0 * t) for t in range(count)])
    assert len(found) <= 600
    assert all(value == 3 * t for t, value in found)
    assert bool(found) == bool(count)


@pytest.mark.parametrize(("seconds", "first"), [(0, 100), (3, 104), (99, None)])
def test_the_warm_up_is_left_out(seconds: float, first: int | None) -> None:
    found = after([(t, 0.0) for t in range(100, 120, 2)], seconds)
    assert (found[0][0] if found else None) == first


def test_growth_in_the_warm_up_is_no_leak() -> None:
    samples = [(float(t), min(t, 60.0)) for t in range(600)]
    assert not gate(samples[:100], LIMIT).ok
    assert gate(after(samples, 60), LIMIT).ok
