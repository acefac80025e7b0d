"""The verdict says no: to a record that is missing, to one out of order, to a leak, to a sampler
that died.

In doubt because a soak is green nearly always; a judge who can't say no would be too.
"""

import pytest

from tests.run.journal import Entry
from tests.soak.sampler import EVERY_SECONDS, MEASURES
from tests.soak.slope import Sample
from tests.soak.verdict import LIMITS, growth, in_order, nothing_lost

A, B, C = (("tickets", 0, offset) for offset in range(3))


def end(at: int, offset: int) -> Entry:
    return Entry(at, "end", 7, "tickets", 0, offset, 1, offset)


def test_every_record_must_be_handled_or_dead_lettered() -> None:
    assert nothing_lost({A, B, C}, {A, B}, {C}).ok
    assert nothing_lost({A, B, C}, {A, B, C}, {C}).ok
    assert not nothing_lost({A, B, C}, {A, C}, set()).ok
    assert not nothing_lost({A}, {A, B}, set()).ok


def test_first_completions_must_rise_and_repetitions_need_not() -> None:
    assert in_order([end(1, 0), end(2, 1), end(3, 0), end(4, 1), end(5, 2)]).ok
    assert not in_order([end(1, 0), end(2, 2), end(3, 1)]).ok


def series(seconds: float, leak_per_hour: float = 0.0) -> list[Sample]:
    times = [at * EVERY_SECONDS for at in range(int(seconds / EVERY_SECONDS))]
    return [(t, 20 + t * leak_per_hour / 3600) for t in times]


def test_everything_that_is_sampled_is_gated() -> None:
    assert LIMITS.keys() == MEASURES.keys()
    rows = list(growth({name: series(1800) for name in MEASURES}))
    assert [row.ok for row in rows] == [True] * 4
    assert [row.ok for row in growth({})] == [False] * 4


@pytest.mark.parametrize("name", LIMITS)
def test_half_an_hour_shows_what_a_week_would_die_of(name: str) -> None:
    """One descriptor or thread for each worker that dies, about 100 in that time."""
    leaking = {one: series(1800, 60.0 * (one == name)) for one in LIMITS}
    assert {row.name for row in growth(leaking) if not row.ok} == {f"growth: {name}"}


def test_a_sampler_that_missed_more_than_half_proves_nothing() -> None:
    """At both ends there are samples, and enough of them for any short run."""
    found = [sample for sample in series(1800) if not 300 < sample[0] < 1600]
    assert len(found) > 100
    assert not any(row.ok for row in growth(dict.fromkeys(LIMITS, found)))
