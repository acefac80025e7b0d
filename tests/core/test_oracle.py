"""The oracle lets every legal story pass and catches every way to break the promise.

In doubt because it concludes from logs what happened: too strict, and users stop
believing it; too lax, and it proves nothing. For each invariant one story that
keeps it, with the fault that makes it hard, and those that break it.
"""

from collections.abc import Callable

import pytest

from tests.core.stories import SECOND, Story
from ticketpool.core import events
from ticketpool.core.oracle import INVARIANTS, Oracle
from ticketpool.core.oracle.verdict import CUT_OFF, DEATH, EXAMPLES, LOST, REFUSED, SUDDEN

Told = Callable[[], Story]


def served(member: str = "A", last: int = 3) -> Story:
    """A member that was given records 0 to ``last`` and has finished them."""
    return Story(member).assign(member, 0).serve(member, 0, last)


# -- stories that keep the promise ---------------------------------------------------------


def passed_over() -> Story:
    """A dead letter is written late, a record skipped: what lies behind runs on meanwhile."""
    story = Story().assign("A", 0).send("A", 0, 3)
    story.start("A", 0).end("A", 0, "failed").start("A", 0, 2).end("A", 0, "failed", 2)
    story.start("A", 1).end("A", 1, "failed").place("A", events.Skipped, 1)
    story.run("A", [2, 3]).settle("A", 3).commit("A", 0)
    return story.place("A", events.DeadLettered, 0).commit("A", 4).stop("A")


def jumped_over() -> Story:
    """Kafka leaves out offsets: at the start, between, and at the end."""
    story = Story().assign("A", None).place("A", events.Began, 7)
    story.place("A", events.Jumped, 9, 10).send("A", 7, 8).send("A", 11, 11)
    story.run("A", [7, 8, 11]).settle("A", 11).place("A", events.Jumped, 12, 12)
    return story.commit("A", 13).stop("A")


def without_records() -> Story:
    """Nothing but the end of an empty log."""
    return Story().assign("A", None).place("A", events.Began, 0).commit("A", 0).stop("A")


def moved_in_order() -> Story:
    """From A to B, each with a commit; B, too, dies only after its partition is gone."""
    story = served().revoke("A").member("B").assign("B", 4).serve("B", 4, 6).revoke("B")
    return story.die("B").note("A", events.Stopped).note("B", events.Stopped)


def late_answer() -> Story:
    """A commit is confirmed when its partition has moved on."""
    story = served().place("A", events.Committing, 4).revoke("A").member("B").assign("B", 4)
    story.note("A", events.Committed, "t", 0, 1, 4, None)
    return story.note("A", events.Committed, "t", 0, None, 4, None).note("A", events.Stopped)


def worker_killed() -> Story:
    """Record 1 is cut off, record 0 known to be finished: 1 and 2 come again."""
    story = Story().assign("A", 0).send("A", 0, 2).run("A", [0]).start("A", 1)
    story.settle("A", 0, "words").die("A").hire("A").open("A").send("A", 1, 2)
    return story.run("A", [1, 2]).settle("A", 2).commit("A", 3).stop("A")


def worker_killed_behind_a_dead_record() -> Story:
    """Record 0 is dead and its letter not written when the worker dies, and never is."""
    story = Story().assign("A", 0).send("A", 0, 1).start("A", 0).end("A", 0, "failed")
    story.settle("A", 0).die("A").hire("A").open("A").send("A", 1, 1).run("A", [1])
    story.settle("A", 1).place("A", events.Abandoned).commit("A", 0).revoke("A")
    return story.assign("A", 0).send("A", 0, 1).run("A", [0, 1]).settle("A", 1).stop("A")


def killed_too_often() -> Story:
    """A record that kills its worker is given up, with the lane open and without one."""
    story = Story().assign("A", 0).send("A", 0, 1).start("A", 0).die("A")
    story.settle("A", 0, "deaths").place("A", events.DeadLettered, 0).hire("A").open("A")
    story.send("A", 1, 1).run("A", [1]).settle("A", 1).settle("A", 2, "deaths")
    return story.place("A", events.DeadLettered, 2).commit("A", 3).stop("A")


def given_up_unrun() -> Story:
    """The memo of its commit tells that a record has killed too often, before a lane is open."""
    story = Story()
    story.epoch["A"] = 1
    story.place("A", events.Assigned, 0).place("A", events.DeadLettered, 0)
    story.settle("A", 0, "deaths").open("A").send("A", 1, 1)
    return story.run("A", [1]).settle("A", 1).commit("A", 2).stop("A")


def lost_while_asleep() -> Story:
    """A is stopped, B takes over, A's worker runs on until A hears of it."""
    story = Story("A", "B").assign("A", 0).send("A", 0, 3).run("A", [0]).start("A", 1)
    story.assign("B", 0).send("B", 0, 3).run("B", [0]).wait(2).end("A", 1).start("A", 2)
    story.commit("A", 2, "unknown member").die("A").lose("A").run("B", [1, 2, 3])
    return story.settle("B", 3).commit("B", 4).stop("B").note("A", events.Stopped)


def killed_supervisor() -> Story:
    """A ends without a word, its worker a little later; its last commit had arrived."""
    story = served().send("A", 4, 6).run("A", [4]).settle("A", 4)
    story.place("A", events.Committing, 5).start("A", 5).member("B").assign("B", 5)
    return story.serve("B", 5, 6).stop("B")


def cut_off() -> Story:
    """A drain is cut off behind a dead letter that can't be written: 1 comes again."""
    story = Story("A", "B").assign("A", 0).send("A", 0, 1).start("A", 0).end("A", 0, "failed")
    story.run("A", [1]).settle("A", 1).place("A", events.Abandoned).stop("A")
    return story.assign("B", 0).serve("B", 0, 1).stop("B")


def refused() -> Story:
    """The last commit is refused: revoked was in truth lost."""
    story = Story("A", "B").assign("A", 0).send("A", 0, 1).run("A", [0, 1]).settle("A", 1)
    story.commit("A", 2, "rebalancing").stop("A")
    return story.assign("B", 0).serve("B", 0, 1).stop("B")


def begun_anew() -> Story:
    """The topic was deleted and made again: its offsets begin anew."""
    return served().revoke("A").assign("A", None).place("A", events.Began, 0).serve("A", 0, 3)


def held_up_by_a_neighbour() -> Story:
    """A lane waits long, because another lane of its worker holds Python's lock."""
    story = Story().assign("A", 0).send("A", 0, 3)
    story.note("A", events.Assigned, "t", 1, 9, 0)
    story.note("A", events.Opened, "t", 1, 9, 90, 10)
    story.note("A", events.Delivered, "t", 1, 9, 90, [(0, 0)])
    return story.note("A1", events.Started, 90, "t", 1, 0, 1).wait(99).revoke("A")


def retry_waits() -> Story:
    """A long back-off is no standstill, and its record no repetition when it comes again."""
    story = Story().assign("A", 0).send("A", 0, 3).start("A", 0).end("A", 0, "failed")
    story.wait(99).commit("A", 0).revoke("A").assign("A", 0)
    return story.serve("A", 0, 3).stop("A")


LEGAL: dict[Told, dict[str, int]] = {
    served: {},
    passed_over: {},
    jumped_over: {},
    without_records: {},
    moved_in_order: {},
    late_answer: {},
    worker_killed: {DEATH: 1},
    worker_killed_behind_a_dead_record: {CUT_OFF: 1},
    killed_too_often: {},
    given_up_unrun: {},
    lost_while_asleep: {LOST: 3},
    killed_supervisor: {SUDDEN: 1},
    cut_off: {CUT_OFF: 1},
    refused: {REFUSED: 2},
    begun_anew: {},
    held_up_by_a_neighbour: {},
    retry_waits: {},
}


@pytest.mark.parametrize("story", LEGAL, ids=lambda story: story.__name__)
def test_a_legal_story_passes_and_its_repetitions_are_counted_by_cause(story: Told) -> None:
    verdict = story().judged()
    assert verdict.violations == []
    assert verdict.ok
    assert verdict.invariants == dict.fromkeys(INVARIANTS, True)
    assert verdict.duplicates_by_cause == LEGAL[story]
    assert verdict.duplicates == sum(LEGAL[story].values())
    assert verdict.lost == verdict.out_of_order == 0


# -- stories that break it ---------------------------------------------------------------


def lost_dead_letter() -> Story:
    story = Story().assign("A", 0).send("A", 0, 1).start("A", 0).end("A", 0, "failed")
    return story.run("A", [1]).settle("A", 1).commit("A", 2).stop("A")


def nothing_resumed() -> Story:
    return served().revoke("A").assign("A", 6).serve("A", 6, 7).stop("A")


def committed_before_anything() -> Story:
    return Story().assign("A", None).commit("A", 5).stop("A")


def two_at_once() -> Story:
    return Story().assign("A", 0).send("A", 0, 3).start("A", 0).start("A", 1)


def backwards() -> Story:
    return Story().assign("A", 0).send("A", 0, 3).run("A", [0, 2, 1])


def again_at_once() -> Story:
    return Story().assign("A", 0).send("A", 0, 3).run("A", [0, 0])


def end_without_begin() -> Story:
    return Story().assign("A", 0).send("A", 0, 3).end("A", 0)


def finished_behind_a_later_one() -> Story:
    story = Story().assign("A", 0).send("A", 0, 1).run("A", [1]).commit("A", 0).revoke("A")
    return story.assign("A", 0).send("A", 0, 1).run("A", [0])


def committed_one_too_far() -> Story:
    story = Story().assign("A", 0).send("A", 0, 2).run("A", [0]).settle("A", 0)
    return story.start("A", 1).commit("A", 2).end("A", 1).settle("A", 1).stop("A")


def committed_backwards() -> Story:
    return served().commit("A", 3).stop("A")


def committed_after_revocation() -> Story:
    story = Story().assign("A", 0).send("A", 0, 0).run("A", [0]).settle("A", 0).revoke("A")
    return story.commit("A", 1).note("A", events.Stopped)


def committed_by_another() -> Story:
    story = Story("A", "B").assign("A", 0).send("A", 0, 0).run("A", [0]).settle("A", 0)
    return story.assign("B", 0).commit("A", 1).lose("A")


def settled_by_another_epochs_ack() -> Story:
    story = Story().assign("A", 0).send("A", 0, 1).run("A", [0]).lose("A")
    return story.assign("A", 0).send("A", 0, 1).settle("A", 0).stop("A")


def settled_while_it_ran() -> Story:
    return Story().assign("A", 0).send("A", 0, 0).start("A", 0).settle("A", 0).end("A", 0).stop("A")


def settled_without_a_lane() -> Story:
    story = Story()
    story.epoch["A"] = 1
    return story.place("A", events.Assigned, 0).settle("A", 0)


def commit_forgotten_on_revocation() -> Story:
    story = served().send("A", 4, 5).run("A", [4, 5]).settle("A", 5).revoke("A")
    return story.assign("A", 4).serve("A", 4, 5).stop("A")


def read_again_from_before_the_commit() -> Story:
    return served().revoke("A").assign("A", 2).serve("A", 2, 5).stop("A")


def settled_and_run_again() -> Story:
    story = Story().assign("A", 0).send("A", 0, 1).run("A", [0]).settle("A", 0).die("A")
    return story.hire("A").open("A").send("A", 0, 1).run("A", [0])


def stopped_without_giving_up() -> Story:
    story = Story("A", "B").assign("A", 0).send("A", 0, 0).run("A", [0])
    return story.note("A", events.Stopped).assign("B", 0).serve("B", 0, 0).stop("B")


def two_processes() -> Story:
    story = Story("A", "B").assign("A", 0).send("A", 0, 1).start("A", 0)
    return story.assign("B", 0).send("B", 0, 1).start("B", 0).end("A", 0).revoke("A")


def fence_forgotten() -> Story:
    story = Story("A", "B").assign("A", 0).send("A", 0, 1).start("A", 0).revoke("A")
    return story.end("A", 0).run("A", [1])


def buried_alive() -> Story:
    story = Story().assign("A", 0).send("A", 0, 1).start("A", 0).die("A").end("A", 0)
    return story.start("A", 1)


def assigned_twice() -> Story:
    return Story().assign("A", 0).assign("A", 0)


def two_workers_of_one_supervisor() -> Story:
    story = Story().assign("A", 0).send("A", 0, 1).start("A", 0)
    return story.hire("A").open("A").send("A", 0, 1).start("A", 1)


def step_back() -> Story:
    return Story().assign("A", 0).send("A", 0, 3).send("A", 2, 4)


def gap() -> Story:
    return Story().assign("A", 0).send("A", 0, 3).send("A", 5, 6)


def gap_at_the_start() -> Story:
    return Story().assign("A", 0).send("A", 1, 3)


def sent_again_to_a_second_worker() -> Story:
    return Story().assign("A", 0).send("A", 0, 3).hire("A").open("A").send("A", 0, 3)


def sent_after_revocation() -> Story:
    return Story().assign("A", 0).revoke("A").send("A", 0, 3)


def run_unsent() -> Story:
    return Story().assign("A", 0).send("A", 0, 1).run("A", [0, 1, 2])


def never_sent_anything() -> Story:
    return Story().assign("A", 0).run("A", [0])


def standstill() -> Story:
    return Story().assign("A", 0).send("A", 0, 3).run("A", [0]).wait(31).revoke("A")


def worker_of_nobody() -> Story:
    story = Story()
    return story.note("X1", events.Process, "worker", 9, "g", "clock", 0, "X")


def call_of_nobody() -> Story:
    return Story().note("X1", events.Started, 1, "t", 0, 0, 1)


def call_in_no_lane() -> Story:
    return Story().start("A", 0)


def supervisor_without_a_head() -> Story:
    return Story().note("X", events.Stopped)


def event_of_no_epoch() -> Story:
    return Story().place("A", events.Revoked)


def sent_to_no_lane() -> Story:
    story = Story().assign("A", 0)
    story.lane["A"] = 7
    return story.send("A", 0, 1)


def sent_to_another_epochs_lane() -> Story:
    story = Story().assign("A", 0).revoke("A").assign("A", 0)
    story.lane["A"] = 1
    return story.send("A", 0, 1)


ILLEGAL: dict[Told, set[str]] = {
    lost_dead_letter: {"I1", "I4"},
    nothing_resumed: {"I1"},
    committed_before_anything: {"I4"},
    two_at_once: {"I2"},
    backwards: {"I2", "I3"},
    again_at_once: {"I2"},
    end_without_begin: {"I2"},
    finished_behind_a_later_one: {"I3"},
    committed_one_too_far: {"I4"},
    committed_backwards: {"I4"},
    committed_after_revocation: {"I4"},
    committed_by_another: {"I4"},
    settled_by_another_epochs_ack: {"I4"},
    settled_while_it_ran: {"I4"},
    settled_without_a_lane: {"I4"},
    commit_forgotten_on_revocation: {"I5"},
    read_again_from_before_the_commit: {"I5"},
    settled_and_run_again: {"I5", "I7"},
    stopped_without_giving_up: {"I5"},
    two_processes: {"I5", "I6"},
    fence_forgotten: {"I6"},
    buried_alive: {"I6"},
    assigned_twice: {"I6"},
    two_workers_of_one_supervisor: {"I2", "I6", "I7"},
    step_back: {"I7"},
    gap: {"I7"},
    gap_at_the_start: {"I7"},
    sent_again_to_a_second_worker: {"I7"},
    sent_after_revocation: {"I7"},
    run_unsent: {"I7"},
    never_sent_anything: {"I7"},
    standstill: {"I10"},
    worker_of_nobody: {"log"},
    call_of_nobody: {"log"},
    call_in_no_lane: {"log"},
    supervisor_without_a_head: {"log"},
    event_of_no_epoch: {"log"},
    sent_to_no_lane: {"log"},
    sent_to_another_epochs_lane: {"log"},
}


@pytest.mark.parametrize("story", ILLEGAL, ids=lambda story: story.__name__)
def test_a_broken_promise_is_caught_and_named(story: Told) -> None:
    verdict = story().judged()
    assert not verdict.ok
    assert set(verdict.broken) == ILLEGAL[story], verdict.violations
    assert {name for name, held in verdict.invariants.items() if not held} == ILLEGAL[story]
    assert all(violation.words for violation in verdict.violations)


def test_every_invariant_is_broken_by_some_story() -> None:
    assert set.union(*ILLEGAL.values()) == set(INVARIANTS)


# -- what the verdict tells --------------------------------------------------------------


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


def test_seconds_are_those_of_the_clock() -> None:
    assert Story().wait(2).now - Story().now == 2 * SECOND
