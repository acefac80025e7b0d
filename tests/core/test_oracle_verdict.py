"""The verdict tells where, why and how much, in numbers that add up.

In doubt because a count that is wrong by one makes a proof worthless, and
because a zombie or a replacement is measured from events of other processes.
"""

import pytest

from tests.core.stories import Story
from tests.core.stories_illegal import committed_one_too_far
from tests.core.stories_legal import (
    begun_anew,
    jumped_over,
    killed_supervisor,
    lost_while_asleep,
    moved_in_order,
    passed_over,
    refused,
    served,
)
from ticketpool.core import events
from ticketpool.core.oracle import Oracle
from ticketpool.core.oracle.verdict import EXAMPLES, LOST


def test_a_violation_names_its_place_and_the_lines_that_prove_it() -> None:
    (found,) = committed_one_too_far().judged().violations
    where = (found.group, found.topic, found.partition, found.offset, found.epoch, found.process)
    assert where == ("g", "t", 0, 2, 1, "A")
    assert found.words == "offset 2 was committed while 1 was not finished"
    assert [(piece["log"], piece["line"]) for piece in found.evidence] == [("A1", 4), ("A", 6)]
    assert [piece["event"]["event"] for piece in found.evidence] == ["started", "committing"]


def test_what_was_committed_past_and_never_finished_is_counted_as_lost() -> None:
    story = Story().assign("A", 0).send("A", 0, 9).run("A", [0, 1]).settle("A", 1)
    story.place("A", events.Jumped, 6, 7).place("A", events.Committing, 12)
    story.run("A", [3, 5])
    verdict = story.commit("A", 12).judged()
    assert verdict.lost == 6  # 2, 4, 8, 9, 10, 11
    assert verdict.broken["I1"] == 6
    assert (verdict.records, verdict.processed, verdict.produced) == (4, 4, 10)


@pytest.mark.parametrize(("offset", "lost"), [(6, 0), (8, 0), (9, 1), (10, 1), (11, 0), (13, 0)])
def test_a_record_that_stands_in_a_jump_was_lost(offset: int, lost: int) -> None:
    """Record 6 lies before the first assignment, 13 behind the last commit."""
    oracle = Oracle()
    for seen in jumped_over().seen:
        oracle.feed(seen)
    oracle.holds("t", 0, offset)
    oracle.holds("another", 0, 9)
    verdict = oracle.verdict()
    assert verdict.lost == verdict.broken.get("I1", 0) == lost
    assert verdict.produced == 3 + lost


def test_of_a_partition_that_was_never_committed_nothing_is_lost() -> None:
    oracle = Oracle()
    for seen in Story().assign("A", None).seen:
        oracle.feed(seen)
    oracle.holds("t", 0, 0)
    oracle.feed(Story().assign("A", None).place("A", events.Began, 0).seen[-1])
    oracle.holds("t", 0, 0)
    assert oracle.verdict().ok


def test_evidence_is_short_however_much_is_wrong() -> None:
    verdict = Story().assign("A", 0).send("A", 0, 99).run("A", range(99, -1, -1)).judged()
    assert verdict.broken["I3"] == verdict.out_of_order == 99
    assert sum(violation.invariant == "I3" for violation in verdict.violations) == EXAMPLES


def test_a_zombie_is_measured_from_the_takeover_to_its_last_call() -> None:
    verdict = lost_while_asleep().judged()
    assert verdict.zombies == 1
    assert verdict.zombie_ms == pytest.approx(2004, abs=5)
    assert killed_supervisor().judged().zombies == 0  # it was cut off, as far as is known


def test_a_zombie_that_is_cut_off_is_measured_to_its_death() -> None:
    story = Story("A", "B").assign("A", 0).send("A", 0, 1).start("A", 0).assign("B", 0)
    verdict = story.send("B", 0, 1).run("B", [0, 1]).wait(3).die("A").lose("A").judged()
    assert verdict.ok
    assert (verdict.zombies, verdict.duplicates_by_cause) == (1, {LOST: 1})
    assert verdict.zombie_ms == pytest.approx(3004, abs=1)


def test_a_zombie_that_runs_for_long_is_told_by_a_few_events() -> None:
    story = Story("A", "B").assign("A", 0).send("A", 0, 50).assign("B", 0).send("B", 0, 0)
    verdict = story.run("B", [0]).run("A", range(50)).revoke("A").judged()
    assert set(verdict.broken) == {"I6", "I5"}
    (found,) = [one for one in verdict.violations if one.invariant == "I6"]
    assert len(found.evidence) == EXAMPLES


def test_members_that_ended_without_a_stop_are_counted_and_their_workers_timed() -> None:
    story = served().start("A", 4).wait(1.5).end("A", 4)
    verdict = story.judged()
    assert (verdict.supervisors, verdict.workers, verdict.sudden_ends) == (1, 1, 1)
    assert verdict.outlived_ms == pytest.approx(1502, abs=1)
    assert moved_in_order().judged().outlived_ms == 0


def test_the_time_from_a_death_to_the_next_call_is_measured() -> None:
    story = Story().assign("A", 0).send("A", 0, 2).start("A", 0).die("A").wait(0.4)
    story.hire("A").open("A").send("A", 0, 2).run("A", [0]).die("A").wait(0.8)
    story.hire("A").open("A").send("A", 0, 2).start("A", 0)
    verdict = story.judged()
    assert verdict.worker_deaths == verdict.resumed == 2
    assert verdict.resumed_ms_median == pytest.approx(604, abs=1)
    assert verdict.resumed_ms_max == pytest.approx(804, abs=1)


def test_counts_add_up() -> None:
    verdict = passed_over().judged()
    assert (verdict.records, verdict.processed, verdict.calls) == (4, 4, 5)
    assert (verdict.commits, verdict.refused_commits) == (2, 0)
    assert refused().judged().refused_commits == 1
    verdict = jumped_over().judged()
    assert (verdict.jumps, verdict.jumped, verdict.partitions) == (2, 3, 1)
    verdict = begun_anew().judged()
    assert (verdict.resets, verdict.records, verdict.partitions) == (1, 8, 1)
    verdict = served().send("A", 4, 5).start("A", 4).judged()
    assert (verdict.records, verdict.processed, verdict.unfinished) == (5, 4, 1)


def test_thousands_of_jumps_are_not_kept() -> None:
    story = Story().assign("A", 0)
    for offset in range(0, 6000, 2):
        story.place("A", events.Jumped, offset + 1, offset + 1)
        story.send("A", offset, offset).run("A", [offset]).settle("A", offset)
    verdict = story.commit("A", 6000).stop("A").judged()
    assert verdict.ok
    assert verdict.jumps == 3000


def test_groups_are_told_apart() -> None:
    story = served()
    story.note("B", events.Process, "supervisor", 1, "another group", "clock").hire("B")
    verdict = story.assign("B", 0).serve("B", 0, 3).stop("B").judged()
    assert verdict.ok
    assert (verdict.records, verdict.duplicates, verdict.partitions) == (8, 0, 2)
