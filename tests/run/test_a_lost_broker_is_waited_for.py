"""A broker that goes away while we run is waited for, in silence; it costs nothing but time.

In doubt because the client then reports errors without end, commits fail, and a
stop must not hang on an answer that never comes.
"""

import time
from collections.abc import Callable
from signal import SIGTERM
from typing import Any

import pytest

from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.journal import Journal, assert_in_order
from tests.run.listener import Listener
from tests.run.topics import committed, ends, places, tickets, write
from tests.support import Command, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

GONE, BACK = "brokers unreachable, trying on", "brokers reachable again"


@pytest.mark.slow
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_records_and_order_survive(
    kafka: Broker, topic: str, group: str, run: Run, journal: Journal, listener: Listener, end: str
) -> None:
    write(kafka, topic, [one for p in range(8) for one in tickets(p, ["sleep 0.01"] * 100)])
    service = run("obey", topic, "--workers", "2", "--http", listener.address)
    eventually(lambda: len(journal.entries("end")) > 200, seconds=30)
    getattr(kafka, end)()
    service.await_event(GONE)
    eventually(lambda: len(journal.entries("end")) == 800, seconds=30)  # what had been read
    assert listener.get("/healthz").status_code == 200
    kafka.start()
    write(kafka, topic, [one for p in range(8) for one in tickets(p, [""] * 10)])
    eventually(lambda: len(journal.entries("end")) == 880, seconds=60)
    eventually(lambda: committed(kafka, group, topic) == ends(kafka, topic))
    assert len(service.events(GONE)) == len(service.events(BACK)) == 1
    assert len(service.events("worker started")) == 2
    service.signal(SIGTERM)
    service.expect(0)
    assert_once(kafka, topic, journal)
    assert len(noise(service)) < 30


def noise(service: Command) -> list[dict[str, Any]]:
    """What was logged at warning and above."""
    return [event for event in service.events() if event.get("level") in ("warning", "error")]


def assert_once(kafka: Broker, topic: str, journal: Journal) -> None:
    entries = journal.entries("end")
    finished = [entry.place for entry in entries]
    assert len(finished) == len(set(finished))
    assert set(finished) == places(kafka, topic)
    assert_in_order(entries)


@pytest.mark.parametrize("away", ["stop", "pause"])
def test_a_stop_does_not_wait_for_it_for_long(
    kafka: Broker, make_topic: Callable[..., str], group: str, run: Run, journal: Journal,
    away: str,
) -> None:  # fmt: skip
    topic = make_topic(1)
    write(kafka, topic, tickets(0, [""] * 20))
    service = run(
        "obey", topic, "--workers", "1", "--drain-timeout", "5", "--commit-interval", "60"
    )
    eventually(lambda: len(journal.entries("end")) == 20, seconds=30)
    getattr(kafka, away)()
    began = time.monotonic()
    service.signal(SIGTERM)
    service.expect(6)
    assert 4.5 < time.monotonic() - began < 8
    assert "will be delivered again" in service.stderr
    (told,) = service.events("not committed")
    assert (told["topic"], told["partition"], told["finished"]) == (topic, 0, 20)
    kafka.restore()
    if away == "stop":  # a paused one has the commit in its socket, and reads it now
        eventually(lambda: committed(kafka, group, topic) == {})  # its coordinator loads first


def test_a_second_signal_does_not_wait_for_it(
    kafka: Broker, make_topic: Callable[..., str], run: Run, journal: Journal
) -> None:
    topic = make_topic(1)
    write(kafka, topic, tickets(0, [""] * 20))
    service = run("obey", topic, "--workers", "1", "--commit-interval", "60")
    eventually(lambda: len(journal.entries("end")) == 20, seconds=30)
    kafka.pause()
    service.signal(SIGTERM)
    service.await_event("stopping")
    service.signal(SIGTERM)
    service.expect(6, 6)


def test_a_stop_commits_if_it_is_back_in_time(
    kafka: Broker, make_topic: Callable[..., str], group: str, run: Run, journal: Journal
) -> None:
    topic = make_topic(1)
    write(kafka, topic, tickets(0, [""] * 20))
    service = run("obey", topic, "--workers", "1", "--commit-interval", "60")
    eventually(lambda: len(journal.entries("end")) == 20, seconds=30)
    kafka.stop()
    service.signal(SIGTERM)
    service.await_event("stopping")
    kafka.start()
    service.expect(0, 28)
    eventually(lambda: committed(kafka, group, topic) == {0: 20})
