"""With ``--exactly-once`` a reader of committed records sees each output once, whatever dies.

In doubt because a killed process leaves a transaction open, a killed worker leaves its
records to be run again, and what was written for the first run must then never be seen.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.journal import Journal
from tests.run.test_a_ticket_counts_once_its_outputs_are_safe import outputs
from tests.run.topics import Raw, committed, ends, raw_headers, read, ticket, write
from tests.support import Command, eventually

pytestmark = pytest.mark.e2e

Make = Callable[..., str]
Place = tuple[int, int]


def seen(kafka: Broker, topic: str) -> Counter[Place]:
    """How often a reader of committed records sees each ticket's output."""
    return Counter((one.partition, one.offset) for one in outputs(kafka, topic))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("size", [1000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_each_output_is_seen_once_through_kills_of_workers_and_supervisors(
    kafka: Broker, make_topic: Make, group: str, run: Run, journal: Journal, size: int
) -> None:
    topic, out, rng = make_topic(4), make_topic(2), random.Random(size)
    letters = kafka.create_topic(f"{topic}.dlq", 1)
    for partition in range(4):
        write(kafka, topic, [Raw(partition, ticket(deed(n), n)) for n in range(size)])

    options = ("--workers", "2", "--exactly-once", "-X", f"group.instance.id={group}")

    def start() -> Command:
        return run("sending", topic, *options, environment={"OUTPUTS": out})

    service = start()
    for kill in range(4 if size == 1000 else 30):
        await_more(journal, max(1200, size // 5))
        time.sleep(rng.uniform(0, 0.15))  # at a random moment of a transaction
        if kill % 2:
            os.kill(rng.choice(service.children()).pid, signal.SIGKILL)
        else:
            service.signal(signal.SIGKILL)
            service.wait(10)
            service = start()
    eventually(lambda: committed(kafka, group, topic) == ends(kafka, topic), seconds=60)
    service.signal(signal.SIGTERM)
    service.expect(0)
    places = {(p, n) for p in range(4) for n in range(size)}
    dead = {(p, n) for p, n in places if deed(n).startswith("reject")}
    assert seen(kafka, out) == Counter(places - dead)
    assert origins(kafka, letters) == Counter(dead)


def origins(kafka: Broker, letters: str) -> Counter[Place]:
    """How often a reader of committed records sees each ticket's dead letter."""
    told = [dict(raw_headers(one)) for one in read(kafka, letters)]
    return Counter(
        (int(one["ticketpool-partition"] or -1), int(one["ticketpool-offset"] or -1))
        for one in told
    )


def deed(n: int) -> str:
    return "reject no" if n % 97 == 5 else "sleep 0.004"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_each_output_is_seen_once_through_outages_and_a_supervisor_that_sleeps_through_its_end(
    kafka: Broker, make_topic: Make, group: str, run: Run, journal: Journal
) -> None:
    topic, out = make_topic(4), make_topic(2)
    size = 6000
    for partition in range(4):
        write(kafka, topic, [Raw(partition, ticket("sleep 0.004", n)) for n in range(size)])
    sleeper, other = (
        run("sending", topic, "--workers", "2", "--exactly-once",
            "-X", "session.timeout.ms=6000", environment={"OUTPUTS": out}) for _ in range(2)
    )  # fmt: skip
    await_more(journal, 2000)
    kafka.pause()
    time.sleep(12)  # longer than a transaction may take
    kafka.resume()
    await_more(journal, 2000)
    sleeper.signal(signal.SIGSTOP)
    eventually(lambda: len(other.events("assigned")) >= 4, seconds=40)
    await_more(journal, 2000)
    sleeper.signal(signal.SIGCONT)
    await_more(journal, 2000)
    kafka.stop()
    kafka.start()
    eventually(lambda: committed(kafka, group, topic) == ends(kafka, topic), seconds=90)
    for service in (sleeper, other):
        service.signal(signal.SIGTERM)
        service.expect(0)
    assert seen(kafka, out) == Counter((p, n) for p in range(4) for n in range(size))


def await_more(journal: Journal, lines: int) -> None:
    goal = journal.count() + lines
    eventually(lambda: journal.count() >= goal, seconds=60, every=0.01)
