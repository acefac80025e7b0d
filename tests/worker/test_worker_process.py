"""A worker process loads, says so, serves, and leaves evidence when it dies."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.ipc.children import environment
from tests.support import eventually
from tests.worker.batches import batch
from ticketpool.ipc.child import Child
from ticketpool.ipc.frames import (
    Ack,
    Close,
    Closed,
    End,
    Failed,
    FromWorker,
    Hello,
    Open,
    Ready,
)
from ticketpool.worker import words

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]
LANE, INDEX = 11, 3


class Worker:
    """A real worker process and all that it has sent."""

    def __init__(self, stdout: int | None, **more: str) -> None:
        self.got: list[Any] = []
        self.child: Child[Any] = Child(
            "ticketpool.worker.main",
            FromWorker,
            words=words.COUNT,
            environment=environment(**more),
            stdout=stdout,
        )

    def hello(self, handler: str, codec: str = "json") -> "Worker":
        self.child.words.cells[words.HEARTBEAT] = time.monotonic_ns()
        said = Hello(0, handler, 0, 0.0, 0.0, "dead-letter", "json", "info", 3600, codec=codec)
        self.child.channel.send(msgspec.structs.replace(said, batch_seconds=0.05))
        return self

    def open(self) -> "Worker":
        """Ready, and with a lane."""
        self.expect(Ready)
        self.child.channel.send(Open(LANE, "t", 0, INDEX))
        return self

    def records(self, first: int, *values: bytes) -> None:
        self.child.channel.send(batch(LANE, range(first, first + len(values)), values))

    def expect(self, kind: type) -> Any:
        """The first frame of a kind, waited for."""

        def found() -> list[Any]:
            self.got += self.child.channel.receive()
            return [frame for frame in self.got if isinstance(frame, kind)]

        return eventually(found, every=0.005)[0]

    @property
    def running(self) -> int | None:
        found = words.running(self.child.words.cells, INDEX, LANE)
        return found[0] if found else None

    @property
    def settled(self) -> int | None:
        return words.settled(self.child.words.cells, INDEX, LANE)


@pytest.fixture
def start() -> Iterator[Callable[..., Worker]]:
    started: list[Worker] = []

    def one(stdout: int | None = None, **more: str) -> Worker:
        started.append(Worker(stdout, **more))
        return started[-1]

    yield one
    for worker in started:
        worker.child.kill()
        worker.child.wait()
        worker.child.close()


Start = Callable[..., Worker]
ACT = "tests.worker.handlers:act"
EVERY_KIND = pytest.mark.parametrize(
    "handler", [ACT, f"{ACT}_async", f"{ACT}_batch"], ids=["plain", "async", "batch"]
)


@pytest.mark.parametrize(("name", "wanted"), [("act", False), ("with_context", True)])
def test_a_worker_that_has_loaded_its_handler_is_ready(
    start: Start, name: str, wanted: bool
) -> None:
    assert start().hello(f"tests.worker.handlers:{name}").expect(Ready) == Ready(wanted)


@pytest.mark.parametrize(
    ("name", "error", "words_"),
    [
        ("tests.worker.handlers:nothing", "HandlerNotFound", "has no 'nothing'"),
        ("tests.worker.handlers:generator", "HandlerUnsupported", "is a generator"),
        ("tests.worker.classes:Unmakable", "HandlerError", "constructing it failed: ValueError"),
        (
            "tests.worker.classes:Unopenable",
            "HandlerError",
            "open() failed: ConnectionError: no d",
        ),
        (
            "tests.worker.classes:UnopenableAsync",
            "HandlerError",
            "open() failed: SystemExit: no l",
        ),
        ("tests.worker.importing_exits:f", "HandlerError", "SystemExit: not today"),
    ],
)
def test_a_worker_that_cannot_load_its_handler_says_why_and_exits_with_4(
    start: Start, name: str, error: str, words_: str
) -> None:
    worker = start().hello(name)
    failed = worker.expect(Failed)
    assert failed.error == error
    assert words_ in failed.message
    assert worker.child.wait(10) == 4


def test_a_codec_that_cannot_be_used_ends_the_worker_in_the_same_way(start: Start) -> None:
    worker = start().hello("tests.worker.handlers:struct", codec="tests.worker.hooks:raising")
    assert "LookupError: no schema for Order" in worker.expect(Failed).message
    assert worker.child.wait(10) == 4


def test_the_current_directory_is_importable(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text("def handle(ticket): ...\n")
    monkeypatch.chdir(tmp_path)
    assert start().hello("mine:handle").expect(Ready) == Ready(False)


def test_no_kafka_client_is_loaded_in_a_worker(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "import sys\nfound = 'confluent_kafka' in sys.modules\nif found: raise ValueError\n"
    (tmp_path / "mine.py").write_text(source + "def handle(ticket): ...\n")
    monkeypatch.chdir(tmp_path)
    worker = start().hello("mine:handle")
    assert worker.expect(Ready | Failed) == Ready(False)  # type: ignore[arg-type]


@EVERY_KIND
def test_a_lane_is_served_and_closed(start: Start, handler: str) -> None:
    worker = start().hello(handler).open()
    worker.records(5, b"fine", b"reject", b"fine")
    eventually(lambda: worker.settled == 7)
    worker.child.channel.send(Close(LANE))
    assert worker.expect(Closed) == Closed(LANE)
    acks = [frame for frame in worker.got if isinstance(frame, Ack)]
    assert acks[-1].through == 7
    assert [(dead.offset, dead.error) for ack in acks for dead in ack.dead] == [(6, "Reject")]


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (b"exit 0", 0),
        (b"exit 3", 3),
        (b"segfault", -signal.SIGSEGV),
    ],
)
def test_what_a_dead_worker_was_running_and_had_finished_can_be_read(
    start: Start, value: bytes, status: int
) -> None:
    worker = start().hello(ACT).open()
    worker.records(5, b"fine", b"fine", value, b"fine")
    assert worker.child.wait(10) == status
    assert (worker.running, worker.settled) == (7, 6)


def test_a_killed_worker_leaves_the_same_evidence(start: Start) -> None:
    worker = start().hello(ACT).open()
    worker.records(5, b"fine", b"hang")
    eventually(lambda: worker.running == 6)
    worker.child.kill()
    assert worker.child.wait(10) == -signal.SIGKILL
    assert (worker.running, worker.settled) == (6, 5)


def test_the_end_of_the_pipe_ends_a_worker_at_once_also_with_a_handler_running(
    start: Start,
) -> None:
    worker = start().hello(ACT).open()
    worker.records(5, b"hang")
    eventually(lambda: worker.running == 5)
    worker.child.channel.close()
    assert worker.child.wait(5) == 0


def test_no_thread_that_a_handler_started_keeps_its_worker_alive(start: Start) -> None:
    worker = start().hello(ACT).open()
    worker.records(5, b"thread")
    eventually(lambda: worker.settled == 5)
    worker.child.channel.close()
    assert worker.child.wait(5) == 0


@EVERY_KIND
@pytest.mark.parametrize("value", [b"raise", b"quit"])
def test_no_exception_of_a_handler_ends_a_worker(start: Start, value: bytes, handler: str) -> None:
    worker = start().hello(handler).open()
    worker.records(5, value, b"fine")
    eventually(lambda: worker.settled == 6)
    assert worker.child.reap() is None


def test_a_supervisor_that_leaves_before_its_first_word_ends_the_worker(start: Start) -> None:
    worker = start()
    worker.child.channel.close()
    assert worker.child.wait(10) == 1


def test_what_is_no_frame_ends_the_worker(start: Start) -> None:
    worker = start().hello(ACT).open()
    worker.child.channel.send(Hello(0, ACT, 0, 0.0, 0.0, "", "json", "info", 3600))  # a second one
    assert worker.child.wait(10) == 1


def test_what_a_handler_printed_is_not_lost_with_a_killed_worker(
    start: Start, tmp_path: Path
) -> None:
    with (tmp_path / "out").open("wb") as out:
        worker = start(out.fileno()).hello(ACT).open()
        worker.records(5, b"print this")
        eventually(lambda: worker.settled == 5)
        worker.child.kill()
        worker.child.wait()
    assert (tmp_path / "out").read_text() == "this\n"


def test_a_hung_worker_dumps_its_stacks_when_asked(start: Start) -> None:
    worker = start().hello(ACT).open()
    worker.records(5, b"hang")
    eventually(lambda: worker.running == 5)
    assert worker.child.dump() == ""
    worker.child.signal(signal.SIGUSR1)
    eventually(lambda: "in act" in worker.child.dump())
    assert worker.child.reap() is None


def test_a_crash_leaves_its_stacks(start: Start) -> None:
    worker = start().hello(ACT).open()
    worker.records(5, b"segfault")
    assert worker.child.wait(10) == -signal.SIGSEGV
    assert "in act" in worker.child.dump()


def test_a_handler_that_blocks_the_loop_can_be_seen_and_dumped(start: Start) -> None:
    worker = start().hello(f"{ACT}_async").open()
    worker.records(5, b"block")
    eventually(lambda: worker.running == 5)
    worker.child.signal(signal.SIGUSR1)
    eventually(lambda: "in act_async" in worker.child.dump())


def test_a_closing_lane_of_an_async_handler_is_cut_off_at_its_deadline(start: Start) -> None:
    worker = start().hello(f"{ACT}_async").open()
    worker.records(5, b"fine", b"sleep 60")
    eventually(lambda: worker.running == 6)
    worker.child.channel.send(Close(LANE, time.monotonic() + 0.1))
    assert worker.expect(Closed) == Closed(LANE, cut_off=True)
    assert worker.settled == 5


def notes(path: Path) -> list[str]:
    """What the handler has noted, without the thread."""
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.parametrize("name", ["Opened", "OpenedAsync", "OpenedOnLoop", "PlainOpenedAsync"])
def test_a_class_is_made_and_opened_once_and_closed_at_the_end(
    start: Start, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "notes"
    worker = start(NOTES=str(path)).hello(f"tests.worker.classes:{name}")
    assert worker.expect(Ready) == Ready(False, closes=True)
    worker.open()
    worker.records(5, b"fine", b"fine")
    eventually(lambda: worker.settled == 6)
    worker.child.channel.send(Close(LANE))
    worker.expect(Closed)
    worker.child.channel.send(End())
    assert worker.child.wait(10) == 0
    assert notes(path) == ["made", "open", "call", "call", "close"]


def test_a_sync_open_of_an_async_handler_runs_where_its_calls_do(
    start: Start, tmp_path: Path
) -> None:
    path = tmp_path / "notes"
    worker = start(NOTES=str(path)).hello("tests.worker.classes:OpenedOnLoop").open()
    worker.records(5, b"fine")
    eventually(lambda: worker.settled == 5)
    threads = dict(line.split(maxsplit=1) for line in path.read_text().splitlines())
    assert threads["open"] == threads["call"] == "event loop"


def test_the_end_of_the_pipe_closes_the_handler_when_nothing_runs(
    start: Start, tmp_path: Path
) -> None:
    path = tmp_path / "notes"
    worker = start(NOTES=str(path)).hello("tests.worker.classes:Opened")
    worker.expect(Ready)
    worker.child.channel.close()
    assert worker.child.wait(10) == 0
    assert notes(path) == ["made", "open", "close"]


def test_nothing_is_closed_under_a_lane_that_still_runs(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "notes"
    worker = start(NOTES=str(path)).hello("tests.worker.classes:Opened").open()
    worker.records(5, b"hang")
    eventually(lambda: worker.running == 5)
    worker.child.channel.close()
    assert worker.child.wait(10) == 0
    assert notes(path) == ["made", "open", "call"]


@pytest.mark.parametrize("name", ["Unclosable", "BadlyClosed"])
def test_a_handler_that_does_not_close_holds_its_worker_up_for_a_while_only(
    start: Start, name: str
) -> None:
    worker = start().hello(f"tests.worker.classes:{name}")
    worker.expect(Ready)
    worker.child.channel.send(End(0.2))
    assert worker.child.wait(5) == 0
