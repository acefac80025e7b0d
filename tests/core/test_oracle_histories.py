"""No legal history is accused, and every tampering with one is caught.

In doubt because hand-written stories hold only what their author thought of.
The histories are random, with crashes, take-overs, sleepers, refused commits and
dead letters; who made them remembers everything and counts repetitions itself.
"""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.histories import legal
from tests.core.stories import judged
from tests.core.tamperings import TAMPERINGS, Tampered
from tests.core.worlds import World
from ticketpool.core import events

seeds = st.integers(0, 2**32)
patiently = settings(  # machines are slow at times, and not every history has what is asked for
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@patiently
@given(seeds, st.integers(100, 1500))
def test_a_legal_history_is_never_accused_and_its_counts_are_right(seed: int, steps: int) -> None:
    world = legal(Random(seed), steps)
    verdict = judged(world.seen)
    assert verdict.violations == []
    assert verdict.duplicates == world.repeated
    assert verdict.processed == sum(len(log.finished) for log in world.logs)


def test_the_histories_hold_every_fault_and_event() -> None:
    worlds = [legal(Random(seed), 1500) for seed in range(60)]
    met = {type(one.event) for world in worlds for one in world.seen}
    assert met == set(events.Event.__args__)
    causes: set[str] = set()
    for world in worlds:
        causes |= judged(world.seen).duplicates_by_cause.keys()
    assert len(causes) == 5


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda one: one.__name__)
@patiently
@given(seed=seeds)
def test_a_tampered_history_is_caught(
    tampering: Callable[[World, Random], Tampered], seed: int
) -> None:
    random = Random(seed)
    world = legal(random, 600)
    seen, broken = tampering(world, random)
    verdict = judged(seen)
    assert not verdict.ok
    assert broken & verdict.broken.keys(), verdict.violations
