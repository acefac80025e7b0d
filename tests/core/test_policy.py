"""Back-off doubles, ends at its maximum, and never overflows; a bad day stops a drain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketpool.core.policy import Backoff, Breaker

jitters = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 0.1), (2, 0.2), (3, 0.4), (9, 25.6), (10, 30)]
)
def test_without_jitter_it_doubles_up_to_its_maximum(failures: int, seconds: float) -> None:
    assert Backoff(0.1, 30.0).delay(failures, 0.0) == pytest.approx(seconds)


@given(failures=st.integers(1, 10**6), jitter=jitters)
def test_jitter_takes_up_to_half_and_nothing_overflows(failures: int, jitter: float) -> None:
    backoff = Backoff(0.5, 1e300)
    full = backoff.delay(failures, 0.0)
    assert full / 2 <= backoff.delay(failures, jitter) <= full


@given(failures=st.integers(1, 100), jitter=jitters)
def test_no_base_means_no_wait(failures: int, jitter: float) -> None:
    assert Backoff(0.0, 30.0).delay(failures, jitter) == 0


def noted(limit: float, *acks: tuple[int, int]) -> Breaker:
    breaker = Breaker(limit, window=100, minimum=10)
    for finished, dead in acks:
        breaker.note(finished, dead)
    return breaker


def test_a_share_above_the_limit_trips() -> None:
    assert not noted(0.5, *[(2, 1)] * 50).tripped
    assert noted(0.5, *[(2, 1)] * 49, (2, 2)).tripped


def test_a_few_dead_records_are_no_bad_day() -> None:
    assert not noted(0.0, (9, 9)).tripped
    assert noted(0.0, (10, 10)).tripped


def test_a_limit_of_one_never_trips() -> None:
    assert not noted(1.0, *[(1, 1)] * 1000).tripped


def test_what_is_long_past_does_not_count() -> None:
    assert not noted(0.5, *[(1, 1)] * 100, *[(1, 0)] * 100).tripped
    assert noted(0.5, *[(1, 0)] * 1000, *[(1, 1)] * 60).tripped


@given(st.lists(st.integers(1, 30).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))))
def test_the_window_holds_the_last_acks_that_fill_it(acks: list[tuple[int, int]]) -> None:
    breaker = noted(0.5, *acks)
    kept = next(
        (acks[i:] for i in range(len(acks), -1, -1) if sum(n for n, _ in acks[i:]) >= 100), acks
    )
    assert breaker.finished == sum(finished for finished, _ in kept)
    assert breaker.dead == sum(dead for _, dead in kept)
