"""A record that fails is tried again where it stands; what becomes of it then is as told.

In doubt because a retry must hold up what stands behind it and nothing else, and because
the offset of a failed record may be committed only once its dead letter is safe.
"""

import re
import time
from collections.abc import Callable
from itertools import pairwise
from signal import SIGTERM
from typing import Any

import pytest

from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.journal import Entry, Journal
from tests.run.topics import Raw, committed, raw_headers, read, ticket, tickets, write
from tests.support import eventually

pytestmark = pytest.mark.e2e

Make = Callable[..., str]


def attempts(entries: list[Entry]) -> list[tuple[int, int]]:
    """(offset, attempt) of each call."""
    return [(entry.offset, entry.attempt) for entry in entries]


def test_retries_hold_up_their_own_partition_alone(
    kafka: Broker, make_topic: Make, run: Run, journal: Journal
) -> None:
    topic = make_topic(2)
    write(kafka, topic, tickets(0, ["", "raise-before 4", ""]))
    write(kafka, topic, tickets(1, ["sleep 0.02"] * 60))
    service = run(
        "obey", topic, "--workers", "1", "--backoff", "0.4", "--until-caught-up", "--json"
    )
    told = service.expect(0).json()
    assert (told["processed"], told["retried"], told["dead_lettered"]) == (63, 3, 0)
    calls = journal.of(0, "begin")
    assert attempts(calls) == [(0, 1), (1, 1), (1, 2), (1, 3), (1, 4), (2, 1)]
    waits = [(b.at_ns - a.at_ns) / 1e9 for a, b in pairwise(calls[1:5])]
    for wait, full in zip(waits, [0.4, 0.8, 1.6], strict=True):
        assert full / 2 <= wait < full + 0.4  # jitter takes away up to half
    others = [e.at_ns for e in journal.of(1, "end")]
    assert len([at for at in others if calls[1].at_ns < at < calls[4].at_ns]) > 30
    events = [e for e in service.events("retrying") if e["offset"] == 1]
    assert [e["attempt"] for e in events] == [1, 2, 3]
    assert "LookupError: attempt 1" in events[0]["error"]


BAD_PAYLOADS = {
    "empty": b"",
    "null": None,
    "not UTF-8": ticket("x").replace(b'"x"', b'"\xff\xfe"'),
    "not JSON": b"hello",
    "cut short": ticket()[:-1],
    "wrong types": b'{"id": 1, "timestamp": "2024-02-29T12:00:00Z", "order_id": 1, "data": ""}',
    "a string for a number": ticket().replace(b'"order_id":1', b'"order_id":"1"'),
    "beyond 64 bits": ticket().replace(b'"order_id":1', b'"order_id":9223372036854775808'),
    "far beyond 64 bits": ticket().replace(b'"order_id":1', b'"order_id":1' + b"0" * 5000),
    "not a number": ticket().replace(b'"order_id":1', b'"order_id":NaN'),
    "a date that is none": ticket().replace(b"2024-02-29", b"2023-02-29"),
    "nested deeply": b"[" * 100_000,
    "a byte order mark": b"\xef\xbb\xbf" + ticket(),
    "900 KB of garbage": bytes(range(256)) * 3600,
}


def test_what_cannot_be_decoded_is_dead_at_once_and_harms_nobody(
    kafka: Broker, make_topic: Make, group: str, run: Run, journal: Journal
) -> None:
    topic = make_topic(2)
    letters = kafka.create_topic(f"{topic}.dlq", 2)
    bad = [Raw(0, value, name.encode()) for name, value in BAD_PAYLOADS.items()]
    good = [Raw(0, ticket()), Raw(0, ticket(" " * 900_000)), Raw(0, ticket())]
    write(kafka, topic, [good[0], *bad, *good[1:], *tickets(1, [""] * 50)])
    service = run("journal", topic, "--workers", "1", "--until-caught-up", "--json")
    told = service.expect(0).json()
    assert (told["processed"], told["dead_lettered"]) == (53, len(bad))
    assert (told["retried"], told["worker_restarts"]) == (0, 0)
    assert [entry.offset for entry in journal.of(0)] == [0, len(bad) + 1, len(bad) + 2]
    assert committed(kafka, group, topic) == {0: len(bad) + 3, 1: 50}
    found = {(one.key() or b"").decode(): one for one in read(kafka, letters)}
    assert {name: one.value() for name, one in found.items()} == BAD_PAYLOADS
    told_by = {name: dict(raw_headers(one)) for name, one in found.items()}
    assert {headers["ticketpool-error"] for headers in told_by.values()} == {b"Undecodable"}
    assert {headers["ticketpool-attempts"] for headers in told_by.values()} == {b"1"}
    assert b"null" in (told_by["null"]["ticketpool-message"] or b"")
    assert b"empty" in (told_by["empty"]["ticketpool-message"] or b"")


FAILURES = {
    "raise no such order": (3, "LookupError", "no such order"),
    "reject unknown customer": (1, "Reject", "unknown customer"),
    "unprintable": (3, "_Unprintable", "RuntimeError"),
    "unpicklable": (3, "_Unpicklable", "holds a lock"),
    "surrogate": (3, "ValueError", "half a pair: ?"),
    "interrupt": (3, "KeyboardInterrupt", ""),
    "system-exit 3": (3, "SystemExit", "3"),
    "recursion": (3, "RecursionError", "maximum recursion depth"),
}


def test_what_fails_for_good_becomes_a_dead_letter(
    kafka: Broker, make_topic: Make, group: str, run: Run, journal: Journal
) -> None:
    topic = make_topic(1)
    letters = kafka.create_topic(f"{topic}.dlq", 1)
    own = [("trace", b"\x00\xff"), ("trace", None), ("ü", b"")]
    records = [Raw(0, ticket(deed), b"\x00key", own) for deed in FAILURES]
    write(kafka, topic, [*records, Raw(0, ticket())])
    options = ("--workers", "1", "--retries", "2", "--backoff", "0.02", "--until-caught-up")
    service = run("obey", topic, *options, "--json")
    told = service.expect(0).json()
    assert (told["processed"], told["dead_lettered"], told["worker_restarts"]) == (1, 8, 0)
    assert told["retried"] == 2 * 7
    assert committed(kafka, group, topic) == {0: 9}
    expected = [(n, a) for n, (times, *_) in enumerate(FAILURES.values()) for a in range(1, 4)
                if a <= times]  # fmt: skip
    assert attempts(journal.entries("begin")) == [*expected, (8, 1)]
    for offset, (message, (deed, why)) in enumerate(
        zip(read(kafka, letters), FAILURES.items(), strict=True)
    ):
        assert (message.key(), message.value()) == (b"\x00key", ticket(deed))
        headers = raw_headers(message)
        assert headers[:3] == own
        assert_told(dict(headers[3:]), topic, offset, why)
    assert_logged(service.events("dead-lettered"), topic, letters)


def assert_told(
    headers: dict[str, bytes | None], topic: str, offset: int, why: tuple[int, str, str]
) -> None:
    """The headers tell where the record stood and what was wrong with it."""
    text = {name: (value or b"").decode() for name, value in headers.items()}
    assert text["ticketpool-topic"] == topic
    assert text["ticketpool-partition"] == "0"
    assert text["ticketpool-offset"] == str(offset)
    assert text["ticketpool-attempts"] == str(why[0])
    assert text["ticketpool-error"] == why[1]
    assert why[2] in text["ticketpool-message"]


def assert_logged(events: list[dict[str, Any]], topic: str, letters: str) -> None:
    """One event for each dead letter, with place and reason."""
    assert [(e["topic"], e["partition"], e["offset"]) for e in events] == [
        (topic, 0, offset) for offset in range(8)
    ]
    assert {e["dead_letter_topic"] for e in events} == {letters}
    assert events[0]["reason"] == "LookupError: no such order"


def test_stop_keeps_the_record_for_the_next_start(
    kafka: Broker, make_topic: Make, group: str, run: Run, journal: Journal
) -> None:
    topic = make_topic(1)
    write(kafka, topic, tickets(0, ["", "", "once raise out of paper", "", ""]))
    options = ("--on-failure", "stop", "--retries", "0", "--workers", "2", "--json")
    service = run("obey", topic, *options).expect(5, 15)  # it waits for nothing
    assert re.search(rf"{topic}\[0\] offset 2 .*LookupError: out of paper", service.stderr)
    told = service.json()
    assert (told["ok"], told["processed"], told["dead_lettered"]) == (False, 2, 0)
    assert attempts(journal.entries("begin")) == [(0, 1), (1, 1), (2, 1)]
    assert committed(kafka, group, topic) == {0: 2}
    run("obey", topic, *options, "--until-caught-up").expect(0)
    assert attempts(journal.entries("begin"))[3:] == [(2, 1), (3, 1), (4, 1)]
    assert committed(kafka, group, topic) == {0: 5}


def test_stop_lets_the_other_partitions_commit_what_they_finished(
    kafka: Broker, make_topic: Make, group: str, run: Run, journal: Journal
) -> None:
    topic = make_topic(2)
    write(kafka, topic, tickets(1, ["", "", "sleep 1", ""]))
    write(kafka, topic, tickets(0, ["sleep 0.5", "raise torn", ""]))
    options = ("--on-failure", "stop", "--retries", "1", "--backoff", "0.01", "--workers", "2")
    run("obey", topic, *options).expect(5, 15)
    finished = {p: len(journal.of(p, "end")) for p in (0, 1)}
    assert finished[0] == 1
    assert finished[1] >= 2
    assert committed(kafka, group, topic) == finished


def test_skip_passes_over(
    kafka: Broker, make_topic: Make, group: str, run: Run, journal: Journal
) -> None:
    topic = make_topic(1)  # and no topic for dead letters
    write(kafka, topic, [*tickets(0, ["", "raise again"]), Raw(0, b"?"), Raw(0, ticket())])
    options = ("--on-failure", "skip", "--retries", "1", "--backoff", "0.01")
    service = run("obey", topic, *options, "--until-caught-up", "--json")
    told = service.expect(0).json()
    counts = {name: told[name] for name in ("processed", "skipped", "retried", "dead_lettered")}
    assert counts == {"processed": 2, "skipped": 2, "retried": 1, "dead_lettered": 0}
    assert attempts(journal.entries("end")) == [(0, 1), (3, 1)]
    assert [e["offset"] for e in service.events("skipped")] == [1, 2]
    assert committed(kafka, group, topic) == {0: 4}


def test_nothing_is_committed_past_a_dead_letter_that_cannot_be_written(
    kafka: Broker, make_topic: Make, group: str, run: Run, journal: Journal
) -> None:
    topic = make_topic(2)
    write(kafka, topic, [*tickets(0, ["", "reject torn", "", ""]), *tickets(1, [""] * 20)])
    service = run("obey", topic, "--workers", "1", "--commit-interval", "0.1")
    told = service.await_event("dead letter not written, the partition waits", seconds=20)
    assert (told["topic"], told["partition"], told["offset"]) == (topic, 0, 1)
    assert told["dead_letter_topic"] == f"{topic}.dlq"
    assert told["level"] == "error"
    assert "--dead-letter-topic" in told["mend"]
    write(kafka, topic, tickets(1, [""] * 5))
    eventually(lambda: committed(kafka, group, topic) == {0: 1, 1: 25})
    assert service.running
    kafka.create_topic(f"{topic}.dlq", 1)
    eventually(lambda: committed(kafka, group, topic) == {0: 4, 1: 25}, seconds=60)
    assert len(read(kafka, f"{topic}.dlq")) == 1
    assert len(service.events("dead-lettered")) == 1
    assert attempts(journal.of(0, "end")) == [(0, 1), (2, 1), (3, 1)]


def test_a_stop_waits_for_a_dead_letter_until_the_deadline_once(
    kafka: Broker, make_topic: Make, group: str, run: Run, journal: Journal
) -> None:
    topic = make_topic(1)
    write(kafka, topic, tickets(0, ["", "reject torn", ""]))
    service = run("obey", topic, "--workers", "1", "--drain-timeout", "3", "--json")
    eventually(lambda: len(journal.entries("end")) == 2, seconds=30)
    began = time.monotonic()
    service.signal(SIGTERM)
    service.expect(6)
    assert 2.9 < time.monotonic() - began < 5.5
    (told,) = service.events("drain deadline passed")
    assert told["unwritten_dead_letters"] == 1
    assert (service.json()["ok"], service.json()["processed"]) == (False, 2)
    assert committed(kafka, group, topic) == {0: 1}
