"""Wherever a process of ours dies, nothing is lost, and order holds.

In doubt at every line that stands between two facts: read and sent, finished and
acknowledged, acknowledged and committed. So the process is killed exactly there.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.journal import Journal, assert_in_order
from tests.run.topics import committed, ends
from tests.support import Command
from ticketpool.crash import POINTS, VARIABLE

pytestmark = pytest.mark.e2e

Produce = Callable[..., Command]

TICKETS = 2000
REJECTED = 20  # handlers.rejecting rejects each hundredth order id
ONCE = ("supervisor:inside-revoke", "supervisor:after-consume")  # passed that often at least
SOON = ("-X", "session.timeout.ms=6000", "-X", "group.instance.id=one")
"""A static member takes its own partitions over at once after SIGKILL."""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("point", POINTS)
def test_killed_at(
    kafka: Broker, make_topic: Callable[..., str], group: str, run: Run, produce: Produce,
    journal: Journal, tmp_path: Path, point: str,
) -> None:  # fmt: skip
    topic = make_topic(8)
    produce(topic, "--rate", "0", "--count", str(TICKETS)).expect(0)
    nth = 1 if point in ONCE else 3
    armed = {VARIABLE: f"{point}#{nth}@{tmp_path / 'died'}"}
    options = ("--workers", "2", "--create-topic", "--until-caught-up", "--commit-interval", "0.05")

    first = run("rejecting", topic, *options, *SOON, environment=armed)
    code = first.wait(60)
    assert (tmp_path / "died").exists(), f"nobody passed {point} {nth} times"
    assert code == (0 if point.startswith("worker") else -9), first.stderr[-3000:]
    run("rejecting", topic, *options, *SOON, environment=armed).expect(0)

    handled = {place for place, _ in journal.finished().items()}
    assert len(handled) == TICKETS - REJECTED
    assert_in_order(journal.entries("end"))
    assert committed(kafka, group, topic) == ends(kafka, topic)
