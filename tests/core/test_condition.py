"""Each state of a partition is seen within seconds, and none of them flickers.

In doubt because the windows are short: what is everyday in a busy partition (a slow call, a
retry, records on their way) must not look like what Burrow calls stalled.
"""

from collections.abc import Callable, Iterable
from itertools import count, pairwise, takewhile

import pytest

from ticketpool.core.causes import Cause
from ticketpool.core.condition import (
    GRACE_SECONDS,
    STATES,
    WINDOW_SECONDS,
    Condition,
    Patience,
    Sight,
    Verdict,
)

EVERY = 0.5
PATIENCE = Patience(most_seconds=60.0)


def seconds(until: float) -> Iterable[float]:
    """The times of snapshots up to then."""
    return takewhile(lambda now: now <= until, count(0.0, EVERY))


class Watch:
    """A condition and the verdicts of its life so far."""

    def __init__(self, patience: Patience = PATIENCE) -> None:
        self.now = 0.0
        self.condition = Condition(self.now, patience)
        self.states: list[str] = []

    def look(self, sight: Sight, for_seconds: float = 0.0) -> Verdict:
        """At the same sight for so long; the last verdict."""
        return self.through(lambda _: sight, for_seconds)

    def through(self, sight: Callable[[float], Sight], for_seconds: float) -> Verdict:
        """At what is to be seen at each time since now."""
        began = self.now
        for passed in seconds(for_seconds):
            self.now = began + passed
            verdict = self.condition.look(self.now, sight(passed))
            self.states.append(verdict.state)
        self.now += EVERY
        return verdict


def test_without_lag_all_is_well_for_ever() -> None:
    watch = Watch()
    assert watch.look(Sight(10, 10, 0), 100) == ("ok", 100, None)
    assert set(watch.states) == {"ok"}


def test_what_is_not_known_yet_is_no_alarm() -> None:
    watch = Watch()
    watch.look(Sight(None, None, None), 60)
    watch.look(Sight(None, None, 5), 60)  # the log has records, and where we begin is not known
    assert set(watch.states) == {"ok"}


# -- stall


def test_a_call_that_does_not_end_is_a_stall_from_the_third_second_on() -> None:
    watch = Watch()
    watch.through(lambda t: Sight(10, 10, 3, running=(10, t)), 2.5)
    assert set(watch.states) == {"ok"}
    verdict = watch.look(Sight(10, 10, 3, running=(10, 3.0)))
    assert verdict == ("stall", 0, Cause("running", 10, seconds=3.0))


def test_a_lone_record_that_hangs_is_lag_too() -> None:
    assert Watch().look(Sight(10, 10, 1, running=(10, 3.5))).state == "stall"


def test_a_stall_ends_with_its_call() -> None:
    watch = Watch()
    watch.look(Sight(10, 10, 3, running=(10, 9.0)))
    assert watch.look(Sight(11, 10, 2, running=(11, 0.1))).state == "ok"


def calls(length: float) -> Callable[[float], Sight]:
    """A handler that takes so long for each record, and always has another."""

    def sight(passed: float) -> Sight:
        done, age = divmod(passed, length)
        position = 10 + int(done)
        return Sight(position, position, 5, running=(position, age))

    return sight


def test_a_handler_that_always_takes_seconds_is_not_stalled() -> None:
    watch = Watch()
    watch.through(calls(5.0), 200)
    rises = sum(both == ("ok", "stall") for both in pairwise(watch.states))
    assert rises == 3  # until it is known to be usual
    assert set(watch.states[40:]) == {"ok"}


def test_one_slow_call_makes_none_usual() -> None:
    watch = Watch()
    watch.look(Sight(10, 10, 3, running=(10, 50.0)))
    watch.through(calls(0.25), 5)
    assert watch.look(Sight(99, 99, 3, running=(99, 3.0))).state == "stall"


def test_the_same_record_called_again_is_a_new_call() -> None:
    watch = Watch()
    for _ in range(3):
        watch.look(Sight(10, 10, 3, running=(10, 2.9)))
        watch.look(Sight(10, 10, 3, running=(10, 0.0)))
    assert watch.look(Sight(10, 10, 3, running=(10, 3.5))).state == "ok"  # 5.8 s is twice the usual


def test_no_call_may_take_longer_than_the_bound_whatever_is_usual() -> None:
    watch = Watch()
    watch.through(calls(50.0), 300)
    assert watch.look(Sight(99, 99, 3, running=(99, 60.0))).state == "stall"


# -- stop


def test_records_that_nobody_reads_are_a_stop() -> None:
    watch = Watch()
    watch.look(Sight(10, 10, 4, unread=10), 2.5)
    assert set(watch.states) == {"ok"}
    assert watch.look(Sight(10, 10, 4, unread=10)) == ("stop", 0, Cause("fetch", 10, "", 3.0))


def test_records_that_nobody_begins_are_a_stop() -> None:
    verdict = Watch().look(Sight(10, 10, 4), 3)
    assert (verdict.state, verdict.cause) == ("stop", Cause("worker", 10, "", 3.0))


def test_time_without_lag_does_not_count() -> None:
    watch = Watch()
    watch.look(Sight(10, 10, 0), 60)
    assert watch.look(Sight(10, 10, 4), 2).state == "ok"


def test_a_batch_may_wait_for_company() -> None:
    watch = Watch(Patience(quiet_seconds=12.0))
    assert watch.look(Sight(10, 10, 4), 11.5).state == "ok"
    assert watch.look(Sight(10, 10, 4), 0.5).state == "stop"


def test_what_a_person_has_paused_is_a_stop_as_soon_as_there_is_lag() -> None:
    watch = Watch()
    held = Cause("paused", None)
    assert watch.look(Sight(10, 10, 0, cause=held), 60) == ("ok", 60, None)
    assert watch.look(Sight(10, 10, None, cause=held)).state == "ok"
    verdict = watch.look(Sight(10, 10, 1, cause=held))
    assert (verdict.state, verdict.cause) == ("stop", Cause("paused", None, seconds=60.5 + 0.5))


# -- blocked


@pytest.mark.parametrize(
    "kind", ["retrying", "crashed", "dead-letter", "output", "out-of-range", "worker", "fetch"]
)
def test_a_known_cause_blocks_once_it_has_lasted(kind: str) -> None:
    watch, cause = Watch(), Cause(kind, 10, "why")
    grace = GRACE_SECONDS.get(kind, 0.0)
    verdict = watch.look(Sight(10, 10, 4, cause=cause), grace)
    assert (verdict.state, verdict.cause) == ("blocked", Cause(kind, 10, "why", seconds=grace))
    assert watch.states[:-1] == ["ok"] * int(grace / EVERY)
    assert watch.look(Sight(11, 11, 3)).state == "ok"


def test_a_cause_that_moves_on_blocks_nothing() -> None:
    watch = Watch()
    watch.through(lambda t: Sight(int(t * 2), int(t * 2), 9, cause=Cause("output", int(t * 2))), 60)
    assert set(watch.states) <= {"ok", "warn"}
    assert "blocked" not in watch.states


def test_a_cause_that_the_supervisor_has_timed_keeps_its_time() -> None:
    verdict = Watch().look(Sight(10, 10, 0, cause=Cause("broker", seconds=7.0)))
    assert verdict == ("blocked", 0, Cause("broker", seconds=7.0))


def test_words_that_change_are_the_same_cause() -> None:
    watch = Watch()
    watch.look(Sight(10, 10, 4, cause=Cause("dead-letter", 10)), 1.5)
    verdict = watch.look(Sight(10, 10, 4, cause=Cause("dead-letter", 10, "no such topic")))
    assert verdict.cause == Cause("dead-letter", 10, "no such topic", seconds=2.0)


def test_a_commit_that_is_not_confirmed_blocks() -> None:
    watch = Watch()
    watch.look(Sight(10, 10, 0), 30)
    verdict = watch.through(lambda t: Sight(11 + int(t), 10, 2, refusal="moved"), 3.5)
    assert verdict.state == "ok"
    verdict = watch.look(Sight(15, 10, 2, refusal="moved"), 0.5)
    assert verdict == ("blocked", 0.5, Cause("commit", 15, "moved", 5.0))
    assert watch.look(Sight(15, 12, 2)).state == "ok"  # some of it was


def test_before_the_first_position_there_is_nothing_to_commit() -> None:
    watch = Watch()
    watch.look(Sight(None, None, 4), 60)
    assert watch.look(Sight(10, None, 4)).state == "ok"


# -- rewind, warn


def test_going_back_is_a_rewind_until_it_is_made_good() -> None:
    watch = Watch()
    watch.look(Sight(10, 10, 0))
    watch.condition.reassigned(watch.now)
    assert watch.look(Sight(4, 4, 6, running=(4, 0.0))).state == "rewind"
    assert watch.look(Sight(9, 4, 1, running=(9, 0.0))).state == "rewind"
    assert watch.look(Sight(10, 4, 0)).state == "ok"


def test_a_rewind_that_was_meant_is_told_for_half_a_minute() -> None:
    watch = Watch()
    watch.look(Sight(1000, 1000, 0))
    watch.condition.reassigned(watch.now)

    def again(passed: float) -> Sight:
        position = 4 + int(passed)
        return Sight(position, position, 996 - int(passed), running=(position, 0.0))

    watch.through(again, WINDOW_SECONDS + 5)
    assert watch.states.count("rewind") == WINDOW_SECONDS / EVERY
    assert watch.states[-1] == "ok"


def test_another_members_progress_is_no_rewind() -> None:
    watch = Watch()
    watch.look(Sight(10, 10, 0))
    watch.condition.reassigned(watch.now)
    assert watch.look(Sight(50, 50, 0)).state == "ok"


def moving(lag: Callable[[float], float]) -> Callable[[float], Sight]:
    """It advances, and has that lag."""

    def sight(passed: float) -> Sight:
        position = int(passed * 10)
        return Sight(position, position, int(lag(passed)), running=(position, 0.0))

    return sight


def test_falling_behind_is_a_warning_after_half_a_minute() -> None:
    watch = Watch()
    watch.through(moving(lambda t: 5 + t), 60)
    window = int(WINDOW_SECONDS / EVERY)
    assert set(watch.states[:window]) == {"ok"}
    assert set(watch.states[window:]) == {"warn"}


def test_a_moment_without_lag_ends_the_warning_for_half_a_minute() -> None:
    watch = Watch()
    watch.through(moving(lambda t: 0 if t == 41 else 5 + t), 71)
    assert watch.states[81] == "warn"
    assert set(watch.states[82:142]) == {"ok"}


@pytest.mark.parametrize(
    "lag",
    [lambda t: 5, lambda t: 5 + t % 7, lambda t: 500 - t],
    ids=["records on their way", "up and down", "catching up"],
)
def test_a_lag_that_does_not_grow_is_none(lag: Callable[[float], float]) -> None:
    watch = Watch()
    watch.through(moving(lag), 60)
    assert set(watch.states) == {"ok"}


# -- all of them


def test_the_worst_is_told() -> None:
    watch = Watch()
    running, cause = (10, 99.0), Cause("worker", 10, "is down")
    assert watch.look(Sight(10, 9, 4, running=running, cause=cause), 9).state == "blocked"
    assert STATES[0] == "ok"
    assert STATES[-3:] == ("stall", "stop", "blocked")


def test_a_state_tells_for_how_long() -> None:
    watch = Watch()
    watch.look(Sight(10, 10, 4, running=(10, 3.0)))
    assert watch.look(Sight(10, 10, 4, running=(10, 9.0)), 6).seconds == 6.5
