"""A record that kills the whole supervisor, again and again, ends as a dead letter; no other does.

In doubt because a supervisor under SIGKILL tells nothing: which record was running has to
stand at the broker before it runs, and all other partitions stop with it and must not pay.
"""

import signal
from collections.abc import Callable

import pytest

from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.journal import Journal, assert_in_order
from tests.run.topics import committed, ends, raw_headers, read, tickets, write
from tests.support import Command

pytestmark = pytest.mark.e2e

KILL = "kill-the-supervisor"
MAX_CRASHES = 3
SOON = ("-X", "session.timeout.ms=6000", "-X", "group.instance.id=one")
"""A static member takes its own partitions over at once after SIGKILL."""


@pytest.fixture
def topic(make_topic: Callable[..., str], kafka: Broker) -> str:
    """Three partitions, and a topic for dead letters."""
    made = make_topic(3)
    kafka.create_topic(f"{made}.dlq", 1)
    return made


def start_until_done(run: Run, topic: str, *options: str) -> tuple[Command, int]:
    """Start it again whenever it was killed; the one that came through, and the deaths."""
    options = ("--workers", "2", "--until-caught-up", "--json", *SOON, *options)
    for deaths in range(MAX_CRASHES + 4):
        service = run("obey", topic, *options)
        code = service.wait(60)
        if code == 0:
            return service, deaths
        assert code == -signal.SIGKILL, service.stderr
    raise AssertionError("the record kills for ever")


def letters(kafka: Broker, topic: str) -> dict[tuple[int, int], str]:
    """(partition, offset) of the dead letters, and their reasons."""
    found = {}
    for letter in read(kafka, f"{topic}.dlq"):
        told = {name: (value or b"").decode() for name, value in raw_headers(letter)}
        place = int(told["ticketpool-partition"]), int(told["ticketpool-offset"])
        assert place not in found
        found[place] = f"{told['ticketpool-error']}: {told['ticketpool-message']}"
    return found


@pytest.mark.timeout(240)
@pytest.mark.parametrize("offset", [0, 7, 150])
def test_it_ends_as_a_dead_letter(
    kafka: Broker, topic: str, group: str, run: Run, journal: Journal, offset: int
) -> None:
    count = 300
    for partition in range(3):
        deeds = [""] * count
        if partition == 1:
            deeds[offset] = KILL
        write(kafka, topic, tickets(partition, deeds))
    _, deaths = start_until_done(run, topic, "--max-crashes", str(MAX_CRASHES))
    assert MAX_CRASHES <= deaths <= MAX_CRASHES + 2
    assert letters(kafka, topic).keys() == {(1, offset)}
    assert "WorkerDied" in letters(kafka, topic)[1, offset]
    expected = {(topic, p, at) for p in range(3) for at in range(count)} - {(topic, 1, offset)}
    assert set(journal.finished()) == expected
    assert_in_order(journal.entries("end"))
    assert committed(kafka, group, topic) == ends(kafka, topic)
    begun = [entry for entry in journal.of(1, "begin") if entry.offset == offset]
    assert len(begun) == deaths


@pytest.mark.timeout(240)
def test_one_life_is_enough_to_be_suspected_but_nobody_else_pays(
    kafka: Broker, topic: str, group: str, run: Run, journal: Journal
) -> None:
    for partition in range(3):
        write(kafka, topic, tickets(partition, [KILL, "", ""] if partition == 2 else [""] * 20))
    _, deaths = start_until_done(run, topic, "--max-crashes", "1")
    assert deaths == 2  # at the first, others may have been to blame
    assert letters(kafka, topic).keys() == {(2, 0)}
    assert committed(kafka, group, topic) == ends(kafka, topic)
