"""Each ticket is handled once, in the order of its partition, and committed; none is left out.

The main promise. In doubt with every change to the way from the broker through the
pipes to a handler: at a calm pace, where records come alone, and at full speed,
where buffers, credits and pauses work.
"""

from collections.abc import Callable
from signal import SIGTERM
from typing import Any

import pytest

from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.journal import Journal, assert_in_order
from tests.run.topics import committed, ends, places
from tests.support import Command, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.smoke]

Produce = Callable[..., Command]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("seconds", [8, pytest.param(60, marks=pytest.mark.slow)])
def test_at_100_a_second(
    kafka: Broker, topic: str, group: str, run: Run, produce: Produce, journal: Journal,
    seconds: int,
) -> None:  # fmt: skip
    service = run("journal", topic, "--workers", "4")
    service.await_event("ready")
    made = produce(topic, "--rate", "100", "--duration", str(seconds)).expect(0, seconds + 60)
    told = made.json()
    assert told["delivered"] == 100 * seconds
    assert told["rate_per_s"] == pytest.approx(100, rel=0.01)
    eventually(lambda: journal.count() >= told["delivered"])
    service.signal(SIGTERM)
    service.expect(0)
    assert_exact(kafka, topic, group, journal)


def test_300_000_that_wait(
    kafka: Broker, topic: str, group: str, run: Run, produce: Produce, journal: Journal
) -> None:
    produce(topic, "--rate", "0", "--count", "300000").expect(0)
    service = run("journal", topic, "--workers", "4", "--until-caught-up", "--json").expect(0)
    assert_told(service.json(), processed=300_000, partitions=8)
    assert_exact(kafka, topic, group, journal)


@pytest.mark.slow
def test_300_000_as_they_are_written(
    kafka: Broker, topic: str, group: str, run: Run, produce: Produce, journal: Journal
) -> None:
    service = run("journal", topic, "--workers", "4")
    service.await_event("ready")
    produce(topic, "--rate", "0", "--count", "300000").expect(0)
    eventually(lambda: journal.count() >= 300_000, seconds=60)
    service.signal(SIGTERM)
    service.expect(0)
    assert_exact(kafka, topic, group, journal)


def assert_told(outcome: dict[str, Any], **expected: int) -> None:
    """The JSON outcome; what is not named has to be 0."""
    seconds = outcome.pop("seconds")
    assert seconds > 0
    zeros = dict.fromkeys(
        ("dead_lettered", "skipped", "retried", "redelivered", "worker_restarts"), 0
    )
    assert outcome == {"ok": True, **zeros, **expected}


def assert_exact(kafka: Broker, topic: str, group: str, journal: Journal) -> None:
    """All of the topic handled, once, in order, and committed to its end."""
    entries = journal.entries()
    finished = [entry.place for entry in entries]
    assert len(finished) == len(set(finished))
    assert set(finished) == places(kafka, topic)
    assert_in_order(entries)
    assert committed(kafka, group, topic) == ends(kafka, topic)
