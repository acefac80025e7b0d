"""``verify --trace`` proves what happened, and tells a doctored log from an honest one.

In doubt because evidence that is lost, torn or of another machine must not pass
for a proof, nor for a broken promise.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.broker import Broker
from tests.run.topics import ends
from tests.support import Command
from tests.traces import lines, log
from ticketpool import trace
from ticketpool.core import events
from ticketpool.core.lane import Lane
from ticketpool.core.ledger import Ledger
from ticketpool.core.model import Partition
from ticketpool.core.trouble import Position
from ticketpool.errors import ConfigError
from ticketpool.proof import prove

__all__ = ["log"]

Start = Callable[..., Command]


def test_a_torn_last_line_is_no_fault(log: Path) -> None:
    with log.open("ab") as file:
        file.write(b'{"event":"stopp')
    proof = prove(log.parent)
    assert proof.ok
    assert (proof.torn, proof.events, proof.logs) == (1, 1, 1)


@pytest.mark.parametrize("line", [b"{}", b'{"event":"x","at":1}', b"\xff", b"[" * 10_000, b""])
def test_a_line_that_is_no_event_is_told_with_its_place(log: Path, line: bytes) -> None:
    with log.open("ab") as file:
        file.write(line + b"\n")
    trace.stopped()
    proof = prove(log.parent)
    assert not proof.ok
    assert (proof.unreadable, proof.events) == (1, 2)
    (found,) = proof.examples
    assert (found.log, found.line) == (log.stem, 2)


def test_times_that_go_back_are_told(log: Path) -> None:
    trace.worker_exited(0, 1, "a")
    trace.worker_exited(0, 1, "b")
    first, second, third = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(first + third + second)
    (found,) = prove(log.parent).examples
    assert (found.line, found.reason) == (3, "its time lies before the last")


def test_an_empty_log_is_that_of_a_process_killed_at_once(log: Path) -> None:
    (log.parent / "worker-1-1.jsonl").write_bytes(b"")
    (log.parent / "worker-2-2.jsonl").write_bytes(b'{"event":"pro')
    proof = prove(log.parent)
    assert proof.ok
    assert (proof.logs, proof.torn) == (3, 1)


def test_logs_of_two_machines_are_not_compared(log: Path) -> None:
    other = lines(log)[0] | {"clock": "another"}
    (log.parent / "supervisor-x-9.jsonl").write_bytes(msgspec.json.encode(other) + b"\n")
    with pytest.raises(ConfigError, match=f"{log.stem} and supervisor-x-9 are of different"):
        prove(log.parent)


def test_a_folder_without_logs_is_a_usage_error(command: Start, tmp_path: Path) -> None:
    judging = command("verify", "--trace", str(tmp_path)).expect(2)
    assert "no logs (*.jsonl) there" in judging.stderr
    judging = command("verify", "--trace", str(tmp_path), "--run", "0123abcd").expect(2)
    assert "--run" in judging.stderr


def test_hundreds_of_logs_need_few_descriptors(log: Path) -> None:
    head = log.read_bytes()
    told: dict[str, Any] = msgspec.json.decode(head)
    for number in range(300):
        at = told["at"] + number
        text = msgspec.json.encode(told | {"at": at}) + b"\n"
        text += msgspec.json.encode(events.Stopped(at)) + b"\n"
        (log.parent / f"supervisor-{number}-1.jsonl").write_bytes(text)
    line = f'ulimit -n 60; exec "$0" -m ticketpool verify --json --trace {log.parent}'
    done = subprocess.run(["sh", "-c", line, sys.executable], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert msgspec.json.decode(done.stdout)["supervisors"] == 301


# -- for real ---------------------------------------------------------------------------------

HANDLER = """
import os, signal, time
from pathlib import Path
from ticketpool import Context, Reject, Ticket

journal = os.open(f"journal-{os.getpid()}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

def handle(ticket: Ticket, context: Context) -> None:
    os.write(journal, f"{context.partition} {context.offset}\\n".encode())
    if ticket.order_id == 400:
        raise Reject("not this one")
    if ticket.order_id == 500 and not Path("killed").exists():
        Path("killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if ticket.order_id == 600:
        os._exit(3)
    time.sleep(0.0005)
"""


@pytest.mark.e2e
@pytest.mark.timeout(180)
def test_the_promise_is_proven_and_a_doctored_log_is_not(
    kafka: Broker, make_topic: Callable[..., str], group: str, command: Start, tmp_path: Path
) -> None:
    topic = make_topic(4)
    kafka.create_topic(f"{topic}.dlq", 1)
    (tmp_path / "deadly.py").write_text(HANDLER)
    for count in ("800", "100"):
        produce(command, kafka, topic, count)
        serve(command, kafka, topic, group)
    found = command("verify", "--trace", "traces", "--json").expect(0).json()
    assert_proven(found, calls(tmp_path))
    where = ("--topic", topic, "--bootstrap-servers", kafka.bootstrap)
    reread = command("verify", "--trace", "traces", "--json", *where).expect(0).json()
    assert (reread["ok"], reread["reread"], found["reread"]) == (True, 900, 0)
    words = command("verify", "--trace", "traces").expect(0).stdout
    assert "the promise held" in words
    assert kinds(tmp_path / "traces") >= WITNESSED
    start = ends(kafka, topic)[0]
    produce(command, kafka, topic, "100")
    end = ends(kafka, topic)[0]
    skip_records(tmp_path / "traces", topic, group, start, end)
    assert (
        command("verify", "--trace", "traces", "--json").expect(0).json()["jumped"] == end - start
    )
    lost = command("verify", "--trace", "traces", "--json", *where).expect(7).json()
    assert lost["lost"] == lost["broken"]["I1"] == end - start > 0
    doctor(tmp_path / "traces")
    judging = command("verify", "--trace", "traces", "--json").expect(7)
    assert judging.json()["ok"] is judging.json()["invariants"]["I2"] is False
    assert "I2" in judging.stderr


def produce(command: Start, kafka: Broker, topic: str, count: str) -> None:
    where = ("--topic", topic, "--bootstrap-servers", kafka.bootstrap)
    command("produce", *where, "--rate", "0", "--count", count, "--keys", "20").expect(0)


def serve(command: Start, kafka: Broker, topic: str, group: str) -> None:
    """Handle what there is, with evidence."""
    command(
        "run", "deadly:handle", "--topic", topic, "--bootstrap-servers", kafka.bootstrap,
        "--group", group, "--workers", "2", "--http", "off", "--until-caught-up",
        "--trace-log", "traces", "--max-crashes", "2",
    ).expect(0, 90)  # fmt: skip


def calls(folder: Path) -> Counter[str]:
    """How often each record was handed to the handler, as it says itself."""
    return Counter(
        line for path in folder.glob("journal-*") for line in path.read_text().splitlines()
    )


def assert_proven(found: dict[str, Any], called: Counter[str]) -> None:
    assert found["ok"] is True
    assert set(found["invariants"].values()) == {True}
    assert found["violations"] == []
    assert (found["produced"], found["processed"], found["lost"]) == (900, 900, 0)
    assert (found["records"], found["calls"]) == (len(called), called.total())
    assert found["duplicates"] == called.total() - len(called) >= 2
    assert found["duplicates_by_cause"] == {"worker died": found["duplicates"]}
    assert (found["supervisors"], found["worker_deaths"], found["sudden_ends"]) == (2, 3, 0)
    assert found["resumed"] >= 2


def kinds(folder: Path) -> set[str]:
    """Of events; those of records that were settled with how."""
    told = [one for path in folder.glob("*.jsonl") for one in lines(path)]
    return {one["event"] + one.get("by", "") for one in told}


WITNESSED = {
    "process", "assigned", "began", "opened", "delivered", "started", "ended", "settledack",
    "settleddeaths", "dead_lettered", "committing", "committed", "worker_exited", "closing",
    "revoked", "stopped",
}  # fmt: skip


def skip_records(folder: Path, topic: str, group: str, start: int, end: int) -> None:
    """A supervisor believes that Kafka has no records in partition 0 from ``start`` on."""
    lane = Lane(Partition(topic, 0), Ledger(Partition(topic, 0), start), slot=0, index=0)
    trace.open_supervisor(str(folder), group)
    trace.assigned(lane, start)
    trace.reached_end(lane, start, end)
    trace.committing([(lane, Position(end))])
    trace.committed(lane.partition, lane, end, None)
    trace.gave_up(lane, "revoked")
    trace.stopped()
    trace.close()


def doctor(folder: Path) -> None:
    """Take the end of one call out of the largest log."""
    path = max(folder.glob("worker-*"), key=lambda one: one.stat().st_size)
    told = path.read_bytes().splitlines(keepends=True)
    ends = [i for i, line in enumerate(told[:-20]) if b'"ended"' in line]
    del told[ends[len(ends) // 2]]
    path.write_bytes(b"".join(told))
