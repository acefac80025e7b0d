"""The oracle lets every legal story pass and catches every way to break the promise.

In doubt because it concludes from logs what happened: too strict, and users stop
believing it; too lax, and it proves nothing. For each invariant stories that
keep it, with the fault that makes it hard, and those that break it.
"""

import pytest

from tests.core.stories_illegal import ILLEGAL
from tests.core.stories_legal import LEGAL, Told
from ticketpool.core.oracle import INVARIANTS


@pytest.mark.parametrize("story", LEGAL, ids=lambda story: story.__name__)
def test_a_legal_story_passes_and_its_repetitions_are_counted_by_cause(story: Told) -> None:
    verdict = story().judged()
    assert verdict.violations == []
    assert verdict.ok
    assert verdict.invariants == dict.fromkeys(INVARIANTS, True)
    assert verdict.duplicates_by_cause == LEGAL[story]
    assert verdict.duplicates == sum(LEGAL[story].values())
    assert verdict.lost == verdict.out_of_order == 0


@pytest.mark.parametrize("story", ILLEGAL, ids=lambda story: story.__name__)
def test_a_broken_promise_is_caught_and_named(story: Told) -> None:
    verdict = story().judged()
    assert not verdict.ok
    assert set(verdict.broken) == ILLEGAL[story], verdict.violations
    assert {name for name, held in verdict.invariants.items() if not held} == ILLEGAL[story]
    assert all(violation.words for violation in verdict.violations)


def test_every_invariant_is_broken_by_some_story() -> None:
    assert set.union(*ILLEGAL.values()) == set(INVARIANTS)
