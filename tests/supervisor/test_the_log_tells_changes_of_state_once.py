"""Whoever reads only the log learns which partition does not get on, since when and why.

In doubt because a snapshot is taken twice a second: a line for each would bury all else.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.core.naive import AT
from ticketpool import log
from ticketpool.config import LogConfig
from ticketpool.core.lane import Lane
from ticketpool.core.ledger import Ledger
from ticketpool.core.status import Blame
from ticketpool.supervisor.changes import Changes
from ticketpool.supervisor.lookout import Outlook

STUCK = Blame(
    kind="running", offset=7, since_seconds=4.0, reason="has not returned", remedy="trace it"
)
WORSE = Blame(kind="dead-letter", offset=7, since_seconds=0.5, reason="no topic", remedy="make it")


@pytest.fixture
def lines() -> Iterator[list[Mapping[str, Any]]]:
    log.setup(LogConfig())
    found: list[Mapping[str, Any]] = []
    with log.watched(lambda level, event: found.append(dict(event))):
        yield found


def outlook(state: str, blame: Blame | None = None) -> Outlook:
    return Outlook(
        position=7, high_watermark=9, lag=2, commit_lag=0, time_lag_seconds=1.0, rate_per_s=0.0,
        state=state, state_seconds=0.0, blame=blame,
    )  # fmt: skip


def test_a_line_for_each_change_and_none_for_the_same_again(lines: list[Mapping[str, Any]]) -> None:
    changes, lane = Changes(), Lane(AT, Ledger(AT, 7), slot=0, index=0)
    story = [
        outlook("ok"), outlook("warn"), outlook("stall", STUCK), outlook("stall", STUCK),
        outlook("blocked", WORSE), outlook("ok"), outlook("rewind"), outlook("stop"),
    ]  # fmt: skip
    for one in story:
        changes.note(lane, one)
    told = [(line["event"], line.get("state"), line.get("reason")) for line in lines]
    assert told == [
        ("partition does not get on", "stall", "has not returned"),
        ("partition does not get on", "blocked", "no topic"),
        ("partition goes on", None, None),
        ("partition does not get on", "stop", None),
    ]
    first = lines[0]
    assert (first["topic"], first["partition"], first["offset"]) == (AT.topic, AT.number, 7)
    assert (first["mend"], first["lag"]) == ("trace it", 2)


def test_a_partition_that_comes_back_is_told_anew(lines: list[Mapping[str, Any]]) -> None:
    changes, lane = Changes(), Lane(AT, Ledger(AT, 7), slot=0, index=0)
    for _ in range(2):
        changes.note(lane, outlook("stall", STUCK))
        changes.keep([AT])
        changes.note(lane, outlook("stall", STUCK))
        changes.keep([])
    assert [line["event"] for line in lines] == ["partition does not get on"] * 2
