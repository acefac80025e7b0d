"""What is finished is committed within a commit interval, whatever the next record takes.

In doubt because a lane acknowledges at the end of a frame: quick records before a slow one
stayed uncommitted while that ran, and a supervisor that died meanwhile repeated them all.
"""

from collections.abc import Callable
from pathlib import Path
from signal import SIGTERM

import pytest

from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.journal import Journal
from tests.run.topics import committed, tickets, write
from tests.support import eventually

pytestmark = pytest.mark.e2e


def test_quick_records_before_a_slow_one(
    kafka: Broker, make_topic: Callable[..., str], group: str, run: Run, journal: Journal,
    tmp_path: Path,
) -> None:  # fmt: skip
    topic, gate = make_topic(2), tmp_path / "gate"
    deeds = ["", "reject no", "", "", f"await {gate}", "", ""]
    write(kafka, topic, tickets(1, [""] * 3))
    service = run("obey", topic, "--workers", "1", "--create-topic", "--commit-interval", "0.1")
    eventually(lambda: committed(kafka, group, topic) == {1: 3}, seconds=30)
    write(kafka, topic, tickets(0, deeds))  # one frame
    eventually(lambda: committed(kafka, group, topic) == {0: 4, 1: 3})
    assert len(journal.entries("begin")) == 3 + 5  # it still runs
    gate.touch()
    service.signal(SIGTERM)
    told = service.expect(0)
    assert len(told.events("dead-lettered")) == 1
    assert max(journal.finished().values()) == 1
