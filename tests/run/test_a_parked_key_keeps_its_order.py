"""``--park-keys``: behind a dead letter the tickets of its key wait, through all that may happen.

In doubt because tickets of the key are in the worker already when one fails, and because what
is parked has to outlive the supervisor.
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest

from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.journal import Journal
from tests.run.topics import Raw, committed, ends, raw_headers, read, ticket, write
from tests.support import Command, eventually
from ticketpool.config import OnFailure, RunConfig
from ticketpool.errors import ConfigError

pytestmark = pytest.mark.e2e

SOON = ("-X", "session.timeout.ms=6000", "-X", "group.instance.id=one")  # back at once
SHAPES = [("obey", ()), ("obey_async", ("--exactly-once",))]

Make = Callable[..., str]
Start = Callable[..., Command]


def keyed(deeds: Iterable[tuple[str, int, str]], partition: int = 0) -> list[Raw]:
    """A ticket for each key, number and deed."""
    return [Raw(partition, ticket(deed, number), key.encode()) for key, number, deed in deeds]


def letters(kafka: Broker, topic: str) -> list[tuple[bytes | None, str]]:
    """Key and error of each."""
    found = read(kafka, f"{topic}.dlq")
    return [
        (one.key(), (dict(raw_headers(one))["ticketpool-error"] or b"").decode()) for one in found
    ]


def handled(journal: Journal) -> list[int]:
    """The numbers of the tickets, in the order in which they were handled first."""
    return list(dict.fromkeys(entry.order_id for entry in journal.entries("end")))


@pytest.mark.parametrize(("handler", "options"), SHAPES)
def test_through_failure_a_kill_and_replay(
    handler: str, options: tuple[str, ...], kafka: Broker, make_topic: Make, group: str, run: Run,
    journal: Journal, command: Start, tmp_path: Path,
) -> None:  # fmt: skip
    topic, mended = make_topic(1), tmp_path / "mended"
    kafka.create_topic(f"{topic}.dlq", 2)
    write(kafka, topic, keyed([
        ("a", 1, ""), ("a", 2, f"reject-without {mended}"), ("b", 101, ""), ("a", 3, ""),
        ("a", 4, ""), ("b", 102, ""),
    ]))  # fmt: skip
    traced = ("--trace-log", "traces", "--commit-interval", "0.1")
    options = ("--workers", "1", "--park-keys", *traced, *SOON, *options)
    first = run(handler, topic, *options)
    eventually(lambda: committed(kafka, group, topic) == {0: 6}, seconds=40)
    assert letters(kafka, topic) == [(b"a", "Reject"), (b"a", "Parked"), (b"a", "Parked")]
    assert first.await_event("key parked")["parked_keys"] == 1
    first.signal(SIGKILL)
    first.wait()

    write(kafka, topic, keyed([("a", 5, ""), ("b", 103, "")]))
    second = run(handler, topic, *options)
    eventually(lambda: handled(journal) == [1, 101, 102, 103], seconds=60)
    eventually(lambda: len(letters(kafka, topic)) == 4)
    parked = dict(raw_headers(read(kafka, f"{topic}.dlq")[3]))
    assert parked["ticketpool-follows"] == b"4"
    assert f"follows the dead letter of {topic}[0] offset 4".encode() in (
        parked["ticketpool-message"] or b""
    )

    servers = ("--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--group", group)
    command("dlq", "replay", *servers).expect(0)  # nothing is mended yet: all come back
    eventually(lambda: len(letters(kafka, topic)) == 8)
    assert [error for _, error in letters(kafka, topic)[4:]] == ["Reject", *["Parked"] * 3]
    mended.touch()
    command("dlq", "replay", *servers).expect(0)
    eventually(lambda: handled(journal) == [1, 101, 102, 103, 2, 3, 4, 5])
    write(kafka, topic, keyed([("a", 6, "")]))
    eventually(lambda: handled(journal)[-1] == 6)
    assert second.await_event("key free again")["parked_keys"] == 0
    assert len(letters(kafka, topic)) == 8
    second.signal(SIGTERM)
    second.expect(0)
    command("verify", "--trace", "traces").expect(0)


def test_a_record_that_kills_workers_parks_its_key(
    kafka: Broker, make_topic: Make, run: Run, journal: Journal
) -> None:
    topic = make_topic(1)
    kafka.create_topic(f"{topic}.dlq", 1)
    deeds = [("a", 1, "kill"), ("a", 2, ""), ("b", 3, ""), ("a", 4, "")]
    write(kafka, topic, [*keyed(deeds), Raw(0, ticket("reject x", 5)), Raw(0, ticket("", 6))])
    options = ("--workers", "1", "--park-keys", "--max-crashes", "1", "--until-caught-up")
    run("obey", topic, *options).expect(0)
    assert handled(journal) == [3, 6]  # what has no key waits for nothing
    dead = [(b"a", "WorkerDied"), (b"a", "Parked"), (b"a", "Parked"), (None, "Reject")]
    assert letters(kafka, topic) == dead


def test_more_keys_than_may_be_parked_stop_the_service(
    kafka: Broker, make_topic: Make, group: str, run: Run, journal: Journal
) -> None:
    topic = make_topic(1)
    kafka.create_topic(f"{topic}.dlq", 1)
    deeds = [("a", 1, "reject x"), ("b", 2, "reject x"), ("b", 3, ""), ("c", 4, "")]
    write(kafka, topic, keyed(deeds))
    service = run("obey", topic, "--workers", "1", "--park-keys", "--max-parked-keys", "1")
    service.expect(5)
    assert "1 keys are parked there already (--max-parked-keys)" in service.stderr
    assert committed(kafka, group, topic) == {0: 1}
    assert (letters(kafka, topic), handled(journal)) == ([(b"a", "Reject")], [])


def test_many_parked_tickets_are_no_bad_day(
    kafka: Broker, make_topic: Make, run: Run, journal: Journal
) -> None:
    topic = make_topic(1)
    kafka.create_topic(f"{topic}.dlq", 1)
    deeds = [("a", 1, "reject x"), *(("a", number, "") for number in range(2, 300))]
    write(kafka, topic, keyed(deeds))
    began = time.monotonic()
    run("obey", topic, "--workers", "1", "--park-keys", "--until-caught-up").expect(0)
    assert ends(kafka, f"{topic}.dlq") == {0: 299}
    assert handled(journal) == []
    assert time.monotonic() - began < 60


def test_what_it_can_t_be_used_with_is_refused(
    kafka: Broker, topic: str, command: Start, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="with --on-failure skip there are none"):
        RunConfig(park_keys=True, on_failure=OnFailure.SKIP)
    with pytest.raises(ConfigError, match="--max-parked-keys 101: 1 to 100"):
        RunConfig(park_keys=True, max_parked_keys=101)
    (tmp_path / "shop.py").write_text("def handle(tickets: list[dict]) -> None: ...\n")
    options = ("--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--park-keys")
    refused = command("check", "shop:handle", *options).expect(4)
    assert "shop:handle takes batches, which settle together; --park-keys" in refused.stdout
