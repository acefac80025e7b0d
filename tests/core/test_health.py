"""A restart is asked for when it would mend something, and for nothing else."""

from typing import Any

import pytest

from tests import statuses
from ticketpool.core.health import IDLE_SECONDS, UNLIMITED_SECONDS, problems_of
from ticketpool.core.status import Blame


def blame(kind: str, since: float) -> Blame:
    return Blame(kind=kind, offset=7, since_seconds=since, reason="nothing arrives", remedy="")


def problems(timeout: float = 300.0, **changes: Any) -> list[str]:
    return problems_of([statuses.partition(**changes)], timeout)


def test_a_partition_that_gets_on_is_no_problem() -> None:
    assert problems() == []
    assert problems(in_flight_age_seconds=None) == []


def test_a_call_that_should_have_been_ended_is_one() -> None:
    assert problems(in_flight_age_seconds=299.0) == []
    (told,) = problems(in_flight_age_seconds=301.0)
    assert told == (
        "tickets[0] offset 100: the handler has been running for 301 s, and was not ended "
        "after 300 s"
    )


def test_without_a_timeout_there_is_a_bound() -> None:
    assert problems(0.0, in_flight_age_seconds=UNLIMITED_SECONDS) == []
    assert len(problems(0.0, in_flight_age_seconds=UNLIMITED_SECONDS + 1)) == 1


@pytest.mark.parametrize("kind", ["fetch", "worker"])
def test_records_that_nobody_touches_are_one(kind: str) -> None:
    assert problems(state="stop", blame=blame(kind, IDLE_SECONDS)) == []
    (told,) = problems(state="stop", blame=blame(kind, IDLE_SECONDS + 1))
    assert told == "tickets[0] offset 7: for 121 s, nothing arrives"


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("stop", "paused"),
        ("blocked", "fetch"),
        ("blocked", "worker"),
        ("blocked", "dead-letter"),
        ("blocked", "broker"),
        ("blocked", "commit"),
        ("blocked", "retrying"),
        ("stall", "running"),
    ],
)
def test_what_a_restart_would_not_mend_is_none(state: str, kind: str) -> None:
    assert problems(state=state, blame=blame(kind, 1e6)) == []
    assert problems(state="stop", blame=None) == []
