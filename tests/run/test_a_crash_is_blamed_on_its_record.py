"""A record that kills or hangs its worker is found out; its neighbours are not blamed for it.

In doubt because a segfault takes all lanes of the worker with it and leaves no
exception behind, and a hang leaves nothing at all.
"""

from collections.abc import Callable

import pytest

from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.journal import Journal, assert_in_order
from tests.run.topics import Raw, committed, raw_headers, read, ticket, tickets, write
from tests.support import Command

pytestmark = pytest.mark.e2e

Make = Callable[..., str]


@pytest.fixture
def topic(make_topic: Make, kafka: Broker) -> str:
    """Three partitions, and a topic for dead letters."""
    made = make_topic(3)
    kafka.create_topic(f"{made}.dlq", 1)
    return made


def reasons(kafka: Broker, topic: str) -> dict[tuple[int, int], str]:
    """(partition, offset) of the dead letters to "attempts, error: message"."""
    found = {}
    for letter in read(kafka, f"{topic}.dlq"):
        told = {name: (value or b"").decode() for name, value in raw_headers(letter)}
        place = int(told["ticketpool-partition"]), int(told["ticketpool-offset"])
        why = f"{told['ticketpool-error']}: {told['ticketpool-message']}"
        found[place] = f"{told['ticketpool-attempts']} {why}"
    return found


def exits(service: Command) -> list[str]:
    """Why workers ended, without the kills at the end, which are not told."""
    return sorted(event["reason"] for event in service.events("worker exited"))


def test_deaths_on_the_same_record_make_it_a_dead_letter(
    kafka: Broker, topic: str, group: str, run: Run, journal: Journal
) -> None:
    write(kafka, topic, tickets(0, ["", "exit 7", ""]))
    write(kafka, topic, tickets(1, ["", "", "segfault", ""]))
    write(kafka, topic, tickets(2, ["sleep 0.1"] * 30))
    options = ("--workers", "1", "--max-crashes", "2", "--until-caught-up", "--json")
    service = run("obey", topic, *options)
    told = service.expect(0).json()
    assert (told["processed"], told["dead_lettered"], told["retried"]) == (35, 2, 0)
    why = reasons(kafka, topic)
    assert why.keys() == {(0, 1), (1, 2)}
    assert "WorkerDied: " in why[0, 1]
    assert "exit code 7" in why[0, 1]
    assert "SIGSEGV" in why[1, 2]
    assert set(exits(service)) == {"exit code 7", "SIGSEGV"}
    assert told["worker_restarts"] == len(exits(service)) >= 4
    assert told["redelivered"] > 0
    assert committed(kafka, group, topic) == {0: 3, 1: 4, 2: 30}
    assert_in_order(journal.entries("begin"))
    assert_only_the_running_came_again(service, journal)


def assert_only_the_running_came_again(service: Command, journal: Journal) -> None:
    """Each delivery beyond the first is told by a worker's exit, with the place."""
    running = [
        (where["topic"], where["partition"], where["offset"])
        for event in service.events("worker exited")
        for where in event["running"]
    ]
    begun = [entry.place for entry in journal.entries("begin")]
    for place in set(begun):
        assert begun.count(place) - 1 <= running.count(place)


def test_as_often_as_told(kafka: Broker, topic: str, run: Run, journal: Journal) -> None:
    write(kafka, topic, tickets(0, ["kill", ""]))
    options = ("--workers", "2", "--max-crashes", "3", "--until-caught-up", "--json")
    service = run("obey", topic, *options).expect(0)
    assert [entry.offset for entry in journal.entries("begin")] == [0, 0, 0, 1]
    (why,) = reasons(kafka, topic).values()
    assert why.startswith("3 WorkerDied: ")
    assert "SIGKILL" in why
    (told,) = service.events("dead-lettered")
    assert (told["topic"], told["partition"], told["offset"]) == (topic, 0, 0)
    assert "WorkerDied" in told["reason"]
    first, *_ = service.events("worker exited")
    assert first["running"] == [{"topic": topic, "partition": 0, "offset": 0}]
    assert first["pid"] in {event["pid"] for event in service.events("worker started")}


def test_bad_luck_is_forgotten(
    kafka: Broker, topic: str, group: str, run: Run, journal: Journal
) -> None:
    write(kafka, topic, tickets(0, ["once exit 0", "", "once segfault", ""]))
    options = ("--workers", "1", "--max-crashes", "2", "--until-caught-up", "--json")
    told = run("obey", topic, *options).expect(0).json()
    assert (told["processed"], told["dead_lettered"], told["worker_restarts"]) == (4, 0, 2)
    assert [entry.offset for entry in journal.entries("end")] == [0, 1, 2, 3]
    assert committed(kafka, group, topic) == {0: 4}


@pytest.mark.parametrize("deed", ["hang", "hold-the-gil"])
def test_a_hang_is_shown_and_ended(
    kafka: Broker, topic: str, group: str, run: Run, journal: Journal, deed: str
) -> None:
    write(kafka, topic, tickets(0, ["", deed, "", f"once {deed}", ""]))
    options = ("--workers", "1", "--max-crashes", "2", "--handler-timeout", "1")
    service = run("obey", topic, *options, "--until-caught-up", "--json")
    told = service.expect(0).json()
    assert (told["processed"], told["dead_lettered"], told["worker_restarts"]) == (4, 1, 3)
    assert [entry.offset for entry in journal.entries("begin")] == [0, 1, 1, 2, 3, 3, 4]
    assert "2 WorkerDied" in reasons(kafka, topic)[0, 1]
    timed_out = service.events("handler timed out, worker will be killed")
    assert [event["offset"] for event in timed_out] == [1, 1, 3]
    assert {event["setting"] for event in timed_out} == {"--handler-timeout"}
    assert service.stderr.count(f"in _{deed.replace('-', '_')}") >= 3  # the stacks
    assert committed(kafka, group, topic) == {0: 5}


def test_a_wait_between_retries_is_no_hang(
    kafka: Broker, topic: str, run: Run, journal: Journal
) -> None:
    write(kafka, topic, tickets(0, ["raise-before 3", ""]))
    options = ("--workers", "1", "--handler-timeout", "0.5", "--backoff", "1.5")
    service = run("obey", topic, *options, "--backoff-max", "1.5", "--until-caught-up", "--json")
    told = service.expect(0).json()
    assert (told["processed"], told["retried"], told["worker_restarts"]) == (2, 2, 0)


def test_a_stop_by_policy_counts_crashes_too(
    kafka: Broker, topic: str, group: str, run: Run, journal: Journal
) -> None:
    write(kafka, topic, tickets(0, ["", "exit 0", ""]))
    options = ("--workers", "1", "--max-crashes", "1", "--on-failure", "stop")
    service = run("obey", topic, *options).expect(5, 15)
    assert f"{topic}[0] offset 1 failed" in service.stderr
    assert [entry.offset for entry in journal.entries("begin")] == [0, 1]
    assert committed(kafka, group, topic) == {0: 1}


def test_standard_output_is_the_outcome_alone(
    kafka: Broker, topic: str, run: Run, journal: Journal
) -> None:
    write(kafka, topic, [Raw(0, ticket("print hello from a handler"))])
    service = run("obey", topic, "--workers", "1", "--until-caught-up", "--json").expect(0)
    assert service.json()["ok"] is True
    assert service.stdout.count("\n") == 1
    assert "hello from a handler\n" in service.stderr


def test_without_an_outcome_to_print_it_is_the_handlers(
    kafka: Broker, topic: str, run: Run, journal: Journal
) -> None:
    write(kafka, topic, [Raw(0, ticket("print hello from a handler"))])
    service = run("obey", topic, "--workers", "1", "--until-caught-up").expect(0)
    assert service.stdout == "hello from a handler\n"
