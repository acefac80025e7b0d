"""Back-off doubles, ends at its maximum, and never overflows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketpool.core.policy import Backoff

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
