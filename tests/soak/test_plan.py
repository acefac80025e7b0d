"""The same seed brings the same faults, and every sort of fault comes.

In doubt because a failure that can't be replayed can't be understood, and a plan that never
draws some fault proves nothing about it.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import islice

import pytest

from tests.soak.plan import FAULTS, MEMBERS, SPARED, Fault, plan


def drawn(seed: int, count: int = 500) -> Sequence[Fault]:
    return list(islice(plan(seed), count))


def test_the_seed_decides_everything() -> None:
    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


@pytest.mark.parametrize("seed", range(5))
def test_every_sort_comes_as_often_as_it_weighs(seed: int) -> None:
    found = Counter(fault.what for fault in drawn(seed))
    weights = sum(sort.weight for sort in FAULTS.values())
    for name, sort in FAULTS.items():
        assert found[name] == pytest.approx(500 * sort.weight / weights, rel=0.6)


@pytest.mark.parametrize("seed", range(5))
def test_the_spared_one_is_hurt_but_outlives_all(seed: int) -> None:
    suffered = {fault.what for fault in drawn(seed) if fault.member == SPARED}
    assert "stop supervisor" in suffered
    assert suffered.isdisjoint({"kill supervisor", "end supervisor"})
    assert {fault.member for fault in drawn(seed)} == set(range(MEMBERS))


def test_times_rise_at_the_pace_asked_for() -> None:
    times = [fault.at for fault in islice(plan(3, every=2.0), 500)]
    assert times == sorted(times)
    assert times[-1] == pytest.approx(1000, rel=0.1)
