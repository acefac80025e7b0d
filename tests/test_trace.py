"""``--trace-log`` misses nothing that happened, and costs nothing when off.

In doubt because the log has to outlive SIGKILL, a full disk and threads that race.
"""

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.traces import lines, log
from ticketpool import trace
from ticketpool.core.lane import Lane
from ticketpool.core.ledger import Ledger
from ticketpool.core.model import Partition
from ticketpool.errors import ConfigError

__all__ = ["log"]


class Batch:
    """What a lane's call gets."""

    def offset(self, i: int) -> int:
        return 7 + i


@pytest.fixture
def lane() -> Lane:
    lane = Lane(Partition("t", 3), Ledger(Partition("t", 3), 0), slot=0, index=0)
    lane.epoch, lane.number = 5, 9
    return lane


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
