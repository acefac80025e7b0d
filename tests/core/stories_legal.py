"""Stories that keep the promise, each through the fault that makes it hard."""

from collections.abc import Callable

from tests.core.stories import Story
from ticketpool.core import events
from ticketpool.core.oracle.verdict import CUT_OFF, DEATH, LOST, REFUSED, SUDDEN

Told = Callable[[], Story]


def served(member: str = "A", last: int = 3) -> Story:
    """A member that was given records 0 to ``last`` and has finished them."""
    return Story(member).assign(member, 0).serve(member, 0, last)


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


def handed_to_another_worker() -> Story:
    """Record 1 waits for its next attempt; it, and 2, not begun, go to a second worker."""
    story = Story().assign("A", 0).send("A", 0, 2).run("A", [0]).start("A", 1)
    story.end("A", 1, "failed").settle("A", 0).hand_back("A").hire("A").open("A").send("A", 1, 2)
    story.wait(40)  # the first one's lane is over: it does not stand still
    story.start("A", 1, 2).end("A", 1, "ok", 2).run("A", [2]).settle("A", 2)
    return story.commit("A", 3).stop("A")


def dead_in_a_transaction() -> Story:
    """Record 0 is dead, 1 and 2 have sent something: all of it is written with the commit, which
    is aborted at first."""
    story = one_dead().commit("A", 3, "aborted", held=[(0, 2)])
    story.place("A", events.Committing, 3, [(0, 2)]).place("A", events.DeadLettered, 0)
    return story.note("A", events.Committed, "t", 0, 1, 3, None).stop("A")


def one_dead() -> Story:
    story = Story().assign("A", 0).send("A", 0, 2).start("A", 0).end("A", 0, "failed")
    return story.run("A", [1, 2]).settle("A", 2)


def killed_behind_a_transaction() -> Story:
    """It has gone through, as the next start tells; nobody has noted the dead letter."""
    story = one_dead().place("A", events.Committing, 3, [(0, 2)]).member("B").assign("B", 3)
    return story.serve("B", 3, 4).stop("B")


def killed_in_a_transaction() -> Story:
    """It was aborted, as the next start tells: all comes again."""
    story = one_dead().place("A", events.Committing, 3, [(0, 2)]).member("B").assign("B", 0)
    return story.serve("B", 0, 2).stop("B")


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
    handed_to_another_worker: {},
    dead_in_a_transaction: {},
    killed_behind_a_transaction: {},
    killed_in_a_transaction: {SUDDEN: 2},
}
"""With how many repetitions each has, by cause."""
