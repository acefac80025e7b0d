"""However a service ends, its workers end with it; what they had not finished comes again.

In doubt because a worker is busy in code that is not ours, and because nobody
who was killed by SIGKILL can clean up. The mark ``e2e`` asserts that no process is
left, orphans included; the other files do so after exit codes 2, 3, 4 and 5.
"""

import time
from collections.abc import Callable
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGTERM, Signals

import psutil
import pytest

from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.journal import Journal
from tests.run.topics import committed, tickets, write
from tests.support import Command, eventually

pytestmark = pytest.mark.e2e


def busy(kafka: Broker, topic: str, run: Run, journal: Journal, deed: str, *more: str) -> Command:
    """A service whose handler is in the midst of that deed, with one ticket more behind it."""
    write(kafka, topic, tickets(0, [deed, ""]))
    service = run("obey", topic, "--workers", "2", *more)
    eventually(lambda: journal.entries("begin"), seconds=30)
    return service


@pytest.mark.parametrize("first", [SIGTERM, SIGINT])
def test_a_signal_lets_the_record_at_hand_finish(
    kafka: Broker, topic: str, group: str, run: Run, journal: Journal, first: Signals
) -> None:
    service = busy(kafka, topic, run, journal, "sleep 1")
    service.signal(first)
    service.expect(0)
    assert [entry.offset for entry in journal.entries("end")] == [0]
    assert committed(kafka, group, topic) == {0: 1}


def test_a_second_signal_stops_at_once(
    kafka: Broker, topic: str, group: str, run: Run, journal: Journal
) -> None:
    service = busy(kafka, topic, run, journal, "sleep 60")
    service.signal(SIGTERM)
    service.await_event("stopping")
    began = time.monotonic()
    service.signal(SIGTERM)
    service.expect(6)
    assert time.monotonic() - began < 3
    assert committed(kafka, group, topic) == {}


def test_the_drain_has_a_deadline(
    kafka: Broker, topic: str, group: str, run: Run, journal: Journal
) -> None:
    service = busy(kafka, topic, run, journal, "sleep 60", "--drain-timeout", "1")
    began = time.monotonic()
    service.signal(SIGTERM)
    service.expect(6)
    assert 0.9 < time.monotonic() - began < 4
    assert "--drain-timeout" in service.stderr
    (told,) = service.events("drain deadline passed")
    assert (told["topic"], told["partition"]) == (topic, 0)
    assert committed(kafka, group, topic) == {}


@pytest.mark.parametrize("deed", ["sleep 60", "hold-the-gil"])
def test_workers_notice_that_the_supervisor_was_killed(
    kafka: Broker, topic: str, run: Run, journal: Journal, deed: str
) -> None:
    service = busy(kafka, topic, run, journal, deed)
    workers = service.children()
    assert len(workers) == 2
    service.signal(SIGKILL)
    service.wait()
    _, alive = psutil.wait_procs(workers, timeout=2)
    assert alive == []


def test_workers_that_still_start_notice_too(topic: str, run: Run) -> None:
    service = run("journal", topic, "--workers", "4")
    workers = eventually(service.children)
    service.signal(SIGKILL)
    service.wait()
    _, alive = psutil.wait_procs(workers, timeout=20)  # once their interpreter is up
    assert alive == []


def test_a_signal_ends_a_start_too(
    command: Callable[..., Command], kafka: Broker, topic: str, tmp_path: Path
) -> None:
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(60)\n")
    servers = ("--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--http", "off")
    service = command("run", "slow:handle", *servers)
    service.await_event("worker started")
    service.signal(SIGTERM)
    service.expect(0, 10)


def test_what_was_cut_off_is_delivered_again(
    kafka: Broker, topic: str, group: str, run: Run, journal: Journal
) -> None:
    write(kafka, topic, tickets(0, ["", "once sleep 60", ""]))
    service = run("obey", topic, "--workers", "1", "--drain-timeout", "0.2")
    eventually(lambda: len(journal.entries("begin")) == 2, seconds=30)
    service.signal(SIGTERM)
    service.expect(6)
    assert committed(kafka, group, topic) == {0: 1}
    run("obey", topic, "--workers", "1", "--until-caught-up").expect(0)
    assert [entry.offset for entry in journal.entries("begin")] == [0, 1, 1, 2]
    assert committed(kafka, group, topic) == {0: 3}
