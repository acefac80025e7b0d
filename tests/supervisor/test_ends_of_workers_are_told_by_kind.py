"""Why a worker ended is a short list of kinds that can be counted, and a sentence."""

import signal

import pytest

from ticketpool.pool import Death
from ticketpool.supervisor import ends
from ticketpool.supervisor.ends import Ends, kind_of
from ticketpool.supervisor.failures import exit_reason


@pytest.mark.parametrize(
    ("status", "why", "warm", "kind"),
    [
        (3, "", True, "crashed"),
        (-signal.SIGSEGV, "", True, "crashed"),
        (-signal.SIGKILL, "", True, "killed"),
        (-signal.SIGKILL, ends.TIMED_OUT, True, "hung"),
        (-signal.SIGKILL, ends.NO_LIFE, True, "hung"),
        (-signal.SIGKILL, ends.STARVED, True, "memory"),
        (0, ends.RETIRED, True, "retired"),
        (-signal.SIGKILL, ends.RETIRED, True, "retired"),
        (-signal.SIGSEGV, ends.RETIRED, True, "crashed"),
        (1, "", False, "start"),
        (-signal.SIGKILL, ends.STARVED, False, "memory"),
    ],
)
def test_each_end_has_a_kind(status: int, why: str, warm: bool, kind: str) -> None:
    assert kind_of(Death(1, status, 0, "", why), warm) == kind


def test_the_last_end_is_told_in_words_and_all_are_counted() -> None:
    told = Ends()
    assert (told.last(0), told.by_kind(0)) == (None, {})
    for status in (3, -signal.SIGKILL, 3):
        death = Death(1, status, 0, "")
        told.note(0, death, exit_reason(death), was_warm=True)
    assert told.last(0) == "exit code 3"
    assert told.by_kind(0) == {"crashed": 2, "killed": 1}
    assert (told.last(1), told.by_kind(1)) == (None, {})
