"""async, batch and class handlers keep every promise that a plain function's records have.

In doubt because each of them runs elsewhere or otherwise than a function in its lane's thread:
on a shared loop, many records at a time, with a life of its own around the calls.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from signal import SIGTERM

import pytest

from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.journal import Entry, Journal, assert_in_order
from tests.run.topics import committed, raw_headers, read, tickets, write
from tests.support import Command, eventually

pytestmark = pytest.mark.e2e

Make = Callable[..., str]
QUICK = ("--workers", "1", "--backoff", "0.02", "--retries", "2", "--until-caught-up", "--json")


def letters(kafka: Broker, topic: str) -> list[tuple[int, int, bytes | None]]:
    """(partition, offset, error) of each dead letter."""
    found = []
    for message in read(kafka, f"{topic}.dlq"):
        headers = dict(raw_headers(message))
        partition, offset = headers["ticketpool-partition"], headers["ticketpool-offset"]
        found.append((int(partition or b""), int(offset or b""), headers["ticketpool-error"]))
    return sorted(found)


@pytest.fixture
def traced(
    run: Run, command: Callable[..., Command], journal: Journal
) -> Iterator[Callable[..., Command]]:
    """As ``run``; at the end what all processes have noted is judged."""
    folder = str(journal.folder.parent / "traces")

    def start(handler: str, topic: str, *options: str) -> Command:
        return run(handler, topic, *options, "--trace-log", folder)

    yield start
    command("verify", "--trace", folder).expect(0)


def ended_once(journal: Journal) -> set[tuple[int, int]]:
    """(partition, offset) of what was handled; asserts that nothing was, twice."""
    finished = journal.finished()
    assert set(finished.values()) <= {1}
    return {(partition, offset) for _, partition, offset in finished}


def test_async_lanes_overlap_and_fail_by_themselves(
    kafka: Broker, make_topic: Make, traced: Run, journal: Journal
) -> None:
    topic = make_topic(4)
    kafka.create_topic(f"{topic}.dlq", 4)
    sleeps = ["sleep 0.02"] * 20
    for partition in range(4):
        write(kafka, topic, tickets(partition, sleeps))
    write(kafka, topic, tickets(0, ["raise-before 3", "raise no", "reject no", "system-exit 3"]))
    told = traced("obey_async", topic, *QUICK).expect(0).json()
    assert (told["processed"], told["dead_lettered"]) == (81, 3)
    assert told["retried"] == 2 + 2 + 2
    assert letters(kafka, topic) == [
        (0, 21, b"LookupError"), (0, 22, b"Reject"), (0, 23, b"SystemExit"),
    ]  # fmt: skip
    assert len(ended_once(journal)) == 81
    assert_in_order(journal.entries("begin"))
    assert most_at_once(journal.entries()) == 4
    for partition in range(4):
        assert most_at_once(journal.of(partition)) == 1


def most_at_once(entries: list[Entry]) -> int:
    """How many records were begun and not ended, at most; those that failed left out."""
    ended = {entry.place for entry in entries if entry.what == "end"}
    at_hand = most = 0
    for entry in entries:
        if entry.place in ended and (entry.what, entry.attempt) in (("begin", 1), ("end", 1)):
            at_hand += 1 if entry.what == "begin" else -1
            most = max(most, at_hand)
    return most


def test_the_culprit_of_a_batch_is_found_and_dies_alone(
    kafka: Broker, make_topic: Make, traced: Run, journal: Journal
) -> None:
    topic = make_topic(2)
    kafka.create_topic(f"{topic}.dlq", 2)
    deeds = [""] * 10 + ["raise-before 2"] + [""] * 10 + ["raise no"] + [""] * 10
    write(kafka, topic, tickets(0, deeds))
    write(kafka, topic, tickets(1, [""] * 30))
    batches = ("--batch-size", "16", "--batch-timeout", "0.1")
    told = traced("obey_batch", topic, *QUICK, *batches).expect(0).json()
    assert (told["processed"], told["dead_lettered"]) == (61, 1)
    assert letters(kafka, topic) == [(0, 21, b"LookupError")]
    done = ended_once(journal)
    assert done == {(0, n) for n in range(32) if n != 21} | {(1, n) for n in range(30)}
    assert_in_order(journal.entries("end"))
    sizes = [entry.attempt for entry in journal.of(1, "batch")]
    assert 1 < max(sizes) <= 16
    assert sum(sizes) == 30


def test_a_batch_handler_may_name_the_culprit(
    kafka: Broker, make_topic: Make, traced: Run, journal: Journal
) -> None:
    topic = make_topic(1)
    kafka.create_topic(f"{topic}.dlq", 1)
    write(kafka, topic, tickets(0, ["", "", "raise no", "", "raise-before 3", ""]))
    told = traced("obey_naming", topic, *QUICK, "--batch-timeout", "0.1").expect(0).json()
    assert (told["processed"], told["dead_lettered"], told["retried"]) == (5, 1, 3)
    assert letters(kafka, topic) == [(0, 2, b"LookupError")]
    assert len(ended_once(journal)) == 5
    calls = [(entry.offset, entry.attempt) for entry in journal.of(0, "batch")]
    assert calls == [(0, 6), (2, 1), (2, 1), (3, 3), (4, 1), (5, 1)]


def test_a_record_that_kills_its_worker_in_a_batch_is_found_and_no_neighbour_pays(
    kafka: Broker, make_topic: Make, traced: Run, journal: Journal
) -> None:
    topic = make_topic(1)
    kafka.create_topic(f"{topic}.dlq", 1)
    write(kafka, topic, tickets(0, ["", "", "exit 3", "", ""]))
    options = ("--max-crashes", "2", "--batch-timeout", "0.1")
    told = traced("obey_batch", topic, *QUICK, *options).expect(0).json()
    assert (told["processed"], told["dead_lettered"]) == (4, 1)
    assert letters(kafka, topic) == [(0, 2, b"WorkerDied")]
    assert len(ended_once(journal)) == 4
    alone = [entry.offset for entry in journal.of(0, "batch") if entry.attempt == 1]
    assert {0, 1, 2} <= set(alone)  # those that were charged with a death


def test_a_handler_that_blocks_the_loop_is_found_out(
    kafka: Broker, make_topic: Make, traced: Run, journal: Journal
) -> None:
    topic = make_topic(2)
    write(kafka, topic, tickets(0, ["", "once hang", ""]))
    write(kafka, topic, tickets(1, ["sleep 0.01"] * 30))
    service = traced("obey_async", topic, *QUICK, "--handler-timeout", "1").expect(0)
    assert service.json()["processed"] == 33
    assert service.json()["dead_lettered"] == 0
    (exited, *_) = service.events("worker exited")
    assert "the handler timed out" in exited["reason"]
    assert "in obey_async" in exited["dump"]
    assert len(ended_once(journal)) == 33


def life(journal: Journal) -> dict[int, list[str]]:
    """What each worker's handler lived through."""
    return {
        int(path.name.removeprefix("life-")): path.read_text().split()
        for path in Path(journal.folder).glob("life-*")
    }


def test_a_class_lives_once_in_each_worker(
    kafka: Broker, make_topic: Make, run: Run, journal: Journal
) -> None:
    topic = make_topic(4)
    for partition in range(4):
        write(kafka, topic, tickets(partition, ["", "raise-before 2", ""]))
    run("Store", topic, *QUICK, "--workers", "2").expect(0)
    assert len(ended_once(journal)) == 12
    assert sorted(life(journal).values()) == [["made", "open", "close"]] * 2


def test_an_open_that_fails_at_a_restart_is_tried_again(
    kafka: Broker, topic: str, run: Run, journal: Journal
) -> None:
    write(kafka, topic, tickets(0, ["", "once kill", ""]))
    service = run("Store", topic, *QUICK, environment={"FAIL": "1"}).expect(0)
    (event,) = service.events("worker not started")
    assert "its open() failed: ConnectionError: the database is away" in event["error"]
    assert [entry.offset for entry in journal.entries("end")] == [0, 1, 2]
    assert sorted(life(journal).values()) == [["made"], ["made", "open"], ["made", "open", "close"]]


def test_a_handler_that_awaits_at_the_drain_deadline_is_cancelled_and_comes_again(
    kafka: Broker, topic: str, run: Run, group: str, journal: Journal
) -> None:
    write(kafka, topic, tickets(0, ["", "sleep 60", ""]))
    service = run("obey_async", topic, "--workers", "1", "--drain-timeout", "1.5")
    eventually(lambda: len(journal.entries("begin")) == 2)
    service.signal(SIGTERM)
    service.expect(6, 20)
    assert [entry.offset for entry in journal.entries("cancelled")] == [1]
    assert "--drain-timeout" in service.stderr
    assert committed(kafka, group, topic) == {0: 1}


def test_a_blocking_handler_hears_of_the_drain(
    kafka: Broker, topic: str, run: Run, group: str, journal: Journal
) -> None:
    write(kafka, topic, tickets(0, ["", "wait", ""]))
    service = run("until_cancelled", topic, "--workers", "1", "--retries", "5")
    eventually(lambda: len(journal.entries("begin")) == 2)
    service.signal(SIGTERM)
    service.expect(0, 10)
    assert committed(kafka, group, topic) == {0: 1}
    run("until_cancelled", topic, *QUICK).expect(0)
    assert [entry.offset for entry in journal.entries("end")] == [0, 1, 2]
