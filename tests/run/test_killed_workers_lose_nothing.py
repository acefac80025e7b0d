"""Workers that are killed again and again cost no ticket, no order, and hardly a repetition.

In doubt because a killed process can say nothing: what it had finished and what it
was running are read from memory that it shared. Only the record at hand may come twice.
"""

import os
import signal
from collections.abc import Callable
from itertools import cycle

import pytest

from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.journal import Journal, Place, assert_in_order
from tests.run.listener import Listener
from tests.run.topics import committed, ends, places
from tests.support import Command, eventually

pytestmark = pytest.mark.e2e

Produce = Callable[..., Command]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("seconds", [8, pytest.param(60, marks=pytest.mark.slow)])
def test_every_two_seconds_at_100_a_second(
    kafka: Broker, topic: str, group: str, run: Run, produce: Produce, journal: Journal,
    listener: Listener, seconds: int,
) -> None:  # fmt: skip
    service = run("journal", topic, "--workers", "4", "--http", listener.address)
    service.await_event("ready")
    producer = produce(topic, "--rate", "100", "--duration", str(seconds))
    total = 100 * seconds
    kills = kill_by_turns(service, listener, journal, every=200, until=total)
    assert kills >= total / 200 - 1
    assert producer.expect(0).json()["delivered"] == total
    finish(service, journal, total)
    assert_nothing_lost(kafka, topic, group, service, journal, kills)


@pytest.mark.timeout(240)
def test_at_full_speed(
    kafka: Broker, topic: str, group: str, run: Run, produce: Produce, journal: Journal,
    listener: Listener,
) -> None:  # fmt: skip
    produce(topic, "--rate", "0", "--count", "300000").expect(0)
    service = run("journal", topic, "--workers", "4", "--http", listener.address)
    kills = kill_by_turns(service, listener, journal, every=40_000, until=300_000)
    assert kills >= 3
    finish(service, journal, 300_000)
    assert_nothing_lost(kafka, topic, group, service, journal, kills)


def kill_by_turns(
    service: Command, listener: Listener, journal: Journal, *, every: int, until: int
) -> int:
    """SIGKILL the workers in turn, one after every so many tickets; how many were killed."""
    killed: list[int] = []
    for goal, slot in zip(range(every, until, every), cycle(range(4)), strict=False):
        await_count(journal, goal)
        killed.append(kill(service, listener, slot, killed))
    return len(killed)


def await_count(journal: Journal, goal: int) -> None:
    eventually(lambda: journal.count() >= goal, seconds=60, every=0.02)


def kill(service: Command, listener: Listener, slot: int, before: list[int]) -> int:
    """SIGKILL the worker in that slot; returns its pid once its end has been noticed."""
    pid = eventually(lambda: listener.status()["workers"][slot]["pid"], seconds=20)
    assert pid not in before
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: pid in {one["pid"] for one in service.events("worker exited")})
    return int(pid)


def finish(service: Command, journal: Journal, total: int) -> None:
    eventually(lambda: len(set(journal.finished())) >= total, seconds=60, every=0.5)
    assert len(service.events("assigned")) == 8  # and no rebalance
    assert service.events("revoked") == service.events("lost") == []
    service.signal(signal.SIGTERM)
    service.expect(0)


def assert_nothing_lost(
    kafka: Broker, topic: str, group: str, service: Command, journal: Journal, kills: int
) -> None:
    finished = journal.finished()
    assert set(finished) == places(kafka, topic)
    assert_in_order(journal.entries())
    assert {place for place, times in finished.items() if times > 1} <= charged(service)
    exits = [one for one in service.events("worker exited") if "SIGKILL" in one["reason"]]
    assert len(exits) == kills
    assert service.events("dead-lettered") == []
    assert committed(kafka, group, topic) == ends(kafka, topic)


def charged(service: Command) -> set[Place]:
    """The records that the log says a killed worker was running, one for each of its lanes."""
    running = [one["running"] for one in service.events("worker exited")]
    assert all(len(places) <= 2 for places in running)  # 8 partitions on 4 workers
    return {(r["topic"], r["partition"], r["offset"]) for one in running for r in one}
