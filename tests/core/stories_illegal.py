"""Stories that break the promise, each in one way."""

from tests.core.stories import Story
from tests.core.stories_legal import Told, one_dead, served
from ticketpool.core import events


def lost_dead_letter() -> Story:
    story = Story().assign("A", 0).send("A", 0, 1).start("A", 0).end("A", 0, "failed")
    return story.run("A", [1]).settle("A", 1).commit("A", 2).stop("A")


def dead_letter_left_out_of_its_transaction() -> Story:
    return one_dead().commit("A", 3, held=[(0, 0)]).stop("A")


def dead_letter_of_an_aborted_transaction_forgotten() -> Story:
    return one_dead().commit("A", 3, "aborted", held=[(0, 0)]).commit("A", 3).stop("A")


def dead_letter_of_another_s_transaction_believed() -> Story:
    story = one_dead().place("A", events.Committing, 3, [(0, 0)]).member("B").assign("B", 0)
    story.send("B", 0, 2).run("B", [1, 2]).settle("B", 2).commit("B", 3).revoke("B")
    return story.assign("B", 3).stop("B")


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


def run_after_it_was_handed_back() -> Story:
    story = Story().assign("A", 0).send("A", 0, 2).run("A", [0]).settle("A", 0)
    return story.hand_back("A").run("A", [1])


def handed_back_while_it_ran() -> Story:
    story = Story().assign("A", 0).send("A", 0, 2).start("A", 0).hand_back("A")
    return story.hire("A").open("A").send("A", 0, 0).start("A", 0)


def handed_on_and_repeated() -> Story:
    story = Story().assign("A", 0).send("A", 0, 2).run("A", [0, 1]).settle("A", 0)
    return story.hand_back("A").hire("A").open("A").send("A", 1, 2).run("A", [1, 2])


def lane_of_nobody_handed_back() -> Story:
    story = Story().assign("A", 0)
    story.lane["A"] = 7
    return story.hand_back("A")


ILLEGAL: dict[Told, set[str]] = {
    lost_dead_letter: {"I1", "I4"},
    dead_letter_left_out_of_its_transaction: {"I1", "I4"},
    dead_letter_of_an_aborted_transaction_forgotten: {"I1", "I4"},
    dead_letter_of_another_s_transaction_believed: {"I1", "I4"},
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
    run_after_it_was_handed_back: {"I6"},
    handed_back_while_it_ran: {"I2", "I5", "I6"},
    handed_on_and_repeated: {"I5"},
    lane_of_nobody_handed_back: {"log"},
    standstill: {"I10"},
    worker_of_nobody: {"log"},
    call_of_nobody: {"log"},
    call_in_no_lane: {"log"},
    supervisor_without_a_head: {"log"},
    event_of_no_epoch: {"log"},
    sent_to_no_lane: {"log"},
    sent_to_another_epochs_lane: {"log"},
}
"""With the invariants that each breaks."""
