"""Whatever becomes of one worker, the others go on, and its partitions do so in another.

In doubt because a worker runs code that is not ours, next to a pipe on which the supervisor
must neither wait nor believe everything, and because what it starts may outlive it.
"""

import os
import signal
import time
from collections.abc import Callable, Collection
from pathlib import Path
from signal import SIGTERM

import pytest

from tests.broker import Broker
from tests.faults.conftest import Start
from tests.faults.judge import await_settled, longest_silence, pids_of, running_when_killed
from tests.run.journal import Journal, Place
from tests.run.topics import tickets, write
from tests.support import Command, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

Kept = Callable[..., None]


@pytest.fixture
def topic(make_topic: Callable[..., str]) -> str:
    return make_topic(2)


def alongside(kafka: Broker, topic: str, deed: str) -> None:
    """Partition 0 does the deed at its third record; partition 1 is busy for 6 s."""
    write(kafka, topic, tickets(0, ["", "", deed, "", ""]))
    write(kafka, topic, tickets(1, ["sleep 0.02"] * 300))


def finish(
    kafka: Broker, topic: str, group: str, journal: Journal, service: Command, kept: Kept,
    twice: Collection[Place] = (),
) -> None:  # fmt: skip
    await_settled(kafka, topic, group, journal)
    assert len(service.events("worker exited")) == 1
    assert len(pids_of(service)) == 3
    assert service.events("revoked") == service.events("lost") == []
    assert service.events("dead-lettered") == []
    service.signal(SIGTERM)
    service.expect(0)
    entries = journal.of(1, "end")
    silence = longest_silence(entries, entries[0].at_ns, entries[-1].at_ns)
    assert silence < 1, f"the other worker stood still for {silence:.2f} s"
    kept(twice=twice)


@pytest.mark.parametrize("what", ["corrupt", pytest.param("oversized", marks=pytest.mark.slow)])
def test_what_is_no_frame_ends_the_worker_that_sent_it(
    kafka: Broker, topic: str, group: str, journal: Journal, member: Start, kept: Kept, what: str
) -> None:
    alongside(kafka, topic, f"once pipe {what}")
    service = member("a")
    told = service.await_event("worker killed: it sent no valid frame")
    assert told["level"] == "error"
    # Nothing is believed of such a worker that it had not acknowledged.
    unacknowledged = {(topic, 0, 0), (topic, 0, 1)}
    finish(kafka, topic, group, journal, service, kept, unacknowledged)


@pytest.mark.slow
def test_half_a_frame_is_waited_for_as_long_as_a_handler_may_take(
    kafka: Broker, topic: str, group: str, journal: Journal, member: Start, kept: Kept
) -> None:
    alongside(kafka, topic, "once pipe half")
    service = member("a", "--handler-timeout", "2")
    told = service.await_event("handler timed out, worker will be killed")
    assert (told["partition"], told["offset"]) == (0, 2)
    finish(kafka, topic, group, journal, service, kept)


def test_a_stopped_worker_is_a_hang(
    kafka: Broker, topic: str, group: str, journal: Journal, member: Start, kept: Kept
) -> None:
    alongside(kafka, topic, "once sleep 1")
    service = member("a", "--handler-timeout", "2")
    eventually(lambda: len(journal.of(0, "begin")) == 3, seconds=30)
    pid, stopped = journal.of(0)[-1].pid, time.monotonic()
    os.kill(pid, signal.SIGSTOP)
    told = service.await_event("handler timed out, worker will be killed")
    assert (told["pid"], told["partition"], told["offset"]) == (pid, 0, 2)
    eventually(lambda: len(journal.of(0, "end")) == 5, seconds=10)
    assert time.monotonic() - stopped < 8
    finish(kafka, topic, group, journal, service, kept)


_STOPPED_AT_FIRST = """
import os, pathlib, signal

mark = pathlib.Path("mark")
if not mark.exists():
    mark.touch()
    os.kill(os.getpid(), signal.SIGSTOP)

def handle(ticket): ...
"""


def test_one_that_is_stopped_while_the_service_starts_is_a_hang_too(
    kafka: Broker, make_topic: Callable[..., str], group: str, tmp_path: Path,
    command: Callable[..., Command],
) -> None:  # fmt: skip
    (tmp_path / "stopping.py").write_text(_STOPPED_AT_FIRST)
    service = command(
        "run", "stopping:handle", "--bootstrap-servers", kafka.bootstrap, "--topic", make_topic(1),
        "--group", group, "--workers", "1", "--handler-timeout", "0.5", "--http", "off",
    )  # fmt: skip
    service.await_event("worker killed: it shows no life")
    service.await_event("ready")
    service.signal(signal.SIGTERM)
    service.expect(0)


def test_a_grandchild_does_not_hide_a_death(
    kafka: Broker, topic: str, group: str, journal: Journal, member: Start, kept: Kept
) -> None:
    """It holds what the worker had open; a death is seen by the process's own descriptor."""
    alongside(kafka, topic, "once grandchild 90")
    service = member("a")
    try:
        told = service.await_event("worker exited")
        assert "SIGKILL" in told["reason"]
        eventually(lambda: len(journal.of(0, "end")) == 5, seconds=10)
        os.kill(grandchild(journal.folder), 0)  # it is there all the while
        finish(kafka, topic, group, journal, service, kept)
    finally:
        os.kill(grandchild(journal.folder), signal.SIGKILL)


def grandchild(folder: Path) -> int:
    return int((folder / "grandchild").read_text())


@pytest.mark.slow
def test_only_what_ran_is_charged(
    kafka: Broker, topic: str, group: str, journal: Journal, member: Start
) -> None:
    """The log tells of the one record that was running, and that is the one that came again."""
    alongside(kafka, topic, "once kill")
    service = member("a")
    await_settled(kafka, topic, group, journal)
    assert running_when_killed([service]) == {(topic, 0, 2)}
    begun = [entry.offset for entry in journal.of(0, "begin")]
    assert begun == [0, 1, 2, 2, 3, 4]
    service.signal(SIGTERM)
    service.expect(0)
