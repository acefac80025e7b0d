"""``--trace-log`` misses nothing that happened, costs nothing when off, and ``verify --trace``
tells a doctored log from an honest one.

In doubt because the log has to outlive SIGKILL, and because evidence that is
lost, torn or of another machine must not pass for a proof, nor for a fault.
"""

import errno
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.broker import Broker
from tests.run.topics import ends
from tests.support import Command
from ticketpool import trace
from ticketpool.core import events
from ticketpool.core.lane import Lane
from ticketpool.core.ledger import Ledger
from ticketpool.core.model import Partition
from ticketpool.core.trouble import Position
from ticketpool.errors import ConfigError
from ticketpool.proof import prove

Start = Callable[..., Command]


class Batch:
    """What a lane's call gets."""

    def __init__(self) -> None:
        self.offsets = [7, 8]


def lines(path: str | Path | None) -> list[dict[str, Any]]:
    """What a log holds."""
    assert path is not None
    return [msgspec.json.decode(line) for line in Path(path).read_bytes().splitlines()]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """This process's log, begun."""
    trace.open_supervisor(str(tmp_path / "traces"), "g")
    yield Path(trace.path() or "")
    trace.close()


@pytest.fixture
def lane() -> Lane:
    lane = Lane(Partition("t", 3), Ledger(Partition("t", 3), 0), slot=0, index=0)
    lane.epoch, lane.number = 5, 9
    return lane


# -- writing ----------------------------------------------------------------------------------


def test_the_first_line_tells_whose_log_it_is(log: Path) -> None:
    (first,) = lines(log)
    assert (first["event"], first["role"], first["pid"]) == ("process", "supervisor", os.getpid())
    assert first["group"] == "g"
    assert first["clock"] == trace.clock()
    assert log.name.startswith(f"supervisor-{os.getpid()}-")


def test_a_worker_writes_beside_its_supervisor(log: Path) -> None:
    trace.open_worker(str(log), "g", 4)
    (first,) = lines(trace.path())
    assert Path(trace.path() or "").parent == log.parent
    assert (first["role"], first["slot"], first["supervisor"]) == ("worker", 4, log.stem)


def test_a_call_that_is_not_traced_is_left_as_it_is() -> None:
    def call(batch: Batch, i: int, attempt: int) -> None:
        pass

    assert trace.path() is None
    assert trace.traced(call, 1, "t", 0) is call


def test_calls_are_noted_before_and_after_whatever_they_raise(log: Path) -> None:
    def call(batch: Batch, i: int, attempt: int) -> None:
        assert lines(log)[-1]["event"] == "started"
        if attempt == 1:
            raise SystemExit(3)

    noted = trace.traced(call, 2, "t", 1)
    with pytest.raises(SystemExit):
        noted(Batch(), 1, 1)
    noted(Batch(), 1, 2)
    names = ("event", "offset", "attempt", "outcome")
    told = [tuple(one.get(name) for name in names) for one in lines(log)[1:]]
    assert told == [
        ("started", 8, 1, None),
        ("ended", 8, 1, "failed"),
        ("started", 8, 2, None),
        ("ended", 8, 2, "ok"),
    ]


def test_offsets_that_kafka_left_out_are_noted(log: Path, lane: Lane) -> None:
    trace.received(lane, None, [4, 5, 8])
    trace.received(lane, 9, [11])
    trace.reached_end(lane, 12, 12)
    trace.reached_end(lane, 12, 14)
    trace.reached_end(lane, None, 6)
    told = [tuple(one.values()) for one in lines(log)[1:]]
    assert [(one[0], *one[5:]) for one in told] == [
        ("began", 4),
        ("jumped", 6, 7),
        ("jumped", 9, 10),
        ("jumped", 12, 13),
        ("began", 6),
    ]
    assert {one[2:5] for one in told} == {("t", 3, 5)}


def test_threads_never_swap_lines(log: Path) -> None:
    def call(batch: Batch, i: int, attempt: int) -> None:
        pass

    def work(lane: int) -> None:
        noted = trace.traced(call, lane, "t", lane)
        for _ in range(500):
            noted(Batch(), 0, 1)

    threads = [threading.Thread(target=work, args=(lane,)) for lane in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = lines(log)
    assert len(told) == 1 + 4 * 500 * 2
    times = [one["at"] for one in told]
    assert times == sorted(times)


def test_a_killed_process_has_lost_nothing(tmp_path: Path) -> None:
    program = f"""
import os, signal
from ticketpool import trace
trace.open_supervisor({str(tmp_path)!r}, "g")
for slot in range(1000):
    trace.worker_exited(slot, 1, "exit code 0")
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], check=False)
    assert done.returncode == -signal.SIGKILL
    (path,) = tmp_path.glob("*.jsonl")
    assert [one.get("slot") for one in lines(path)][1:] == list(range(1000))


@pytest.mark.parametrize("problem", [OSError(errno.ENOSPC, "No space left on device"), 3])
def test_a_full_disk_ends_the_log_and_nothing_else(
    log: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    problem: OSError | int,
) -> None:  # fmt: skip
    def write(fd: int, data: bytes) -> int:
        if isinstance(problem, OSError):
            raise problem
        return real(fd, data[:problem])

    real = os.write
    monkeypatch.setattr(os, "write", write)
    trace.stopped()
    monkeypatch.undo()
    trace.stopped()
    assert log.read_bytes().count(b"\n") == 1
    assert not log.read_bytes().endswith(b"}")  # nothing was appended behind a torn line
    trace.close()


def test_a_folder_that_cannot_be_made_is_a_matter_of_configuration(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"--trace-log .*file/x"):
        trace.open_supervisor(str(tmp_path / "file" / "x"), "g")
    assert trace.path() is None


def test_a_worker_without_its_folder_works_on(tmp_path: Path) -> None:
    trace.open_worker(str(tmp_path / "gone" / "supervisor-1-1.jsonl"), "g", 0)
    assert trace.path() is None


# -- reading ------------------------------------------------------------------------------------


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
    (log.parent / "supervisor-9-9.jsonl").write_bytes(msgspec.json.encode(other) + b"\n")
    with pytest.raises(ConfigError, match=f"{log.stem} and supervisor-9-9 are of different"):
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
