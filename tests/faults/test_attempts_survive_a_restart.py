"""A record that is retried goes on in the next process with the attempt that was due.

In doubt because attempts are counted in a worker: a service that is deployed more often
than a record's back-off takes would call it for ever.
"""

import signal
from collections.abc import Callable

import pytest

from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.journal import Journal
from tests.run.topics import committed, raw_headers, read, tickets, write
from tests.support import eventually

pytestmark = pytest.mark.e2e

LONG = ("--workers", "1", "--backoff", "600", "--backoff-max", "600")


def attempts(journal: Journal, offset: int) -> list[int]:
    return [entry.attempt for entry in journal.entries("begin") if entry.offset == offset]


def one_life(run: Run, journal: Journal, topic: str, *options: str) -> None:
    """Until the record at offset 1 has failed once more, and SIGTERM ends the wait."""
    before = len(attempts(journal, 1))
    service = run("obey", topic, *LONG, *options)
    eventually(lambda: len(attempts(journal, 1)) > before, seconds=30)
    service.await_event("retrying")
    service.signal(signal.SIGTERM)
    service.expect(0)


def test_the_attempt_goes_on_where_it_was(
    kafka: Broker, topic: str, group: str, run: Run, journal: Journal
) -> None:
    write(kafka, topic, tickets(0, ["", "raise-before 3", ""]))
    one_life(run, journal, topic, "--retries", "5")
    assert committed(kafka, group, topic) == {0: 1}
    one_life(run, journal, topic, "--retries", "5")
    run("obey", topic, *LONG, "--retries", "5", "--until-caught-up").expect(0)
    assert attempts(journal, 1) == [1, 2, 3]
    assert attempts(journal, 0) == attempts(journal, 2) == [1]
    assert committed(kafka, group, topic) == {0: 3}


def test_retries_count_over_all_lives(
    kafka: Broker, make_topic: Callable[..., str], group: str, run: Run, journal: Journal
) -> None:
    topic = make_topic(1)
    kafka.create_topic(f"{topic}.dlq", 1)
    write(kafka, topic, tickets(0, ["", "raise no", ""]))
    one_life(run, journal, topic, "--retries", "1")
    run("obey", topic, *LONG, "--retries", "1", "--until-caught-up").expect(0)
    assert attempts(journal, 1) == [1, 2]
    (letter,) = read(kafka, f"{topic}.dlq")
    assert dict(raw_headers(letter))["ticketpool-attempts"] == b"2"
    assert committed(kafka, group, topic) == {0: 3}
