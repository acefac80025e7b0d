"""The trace log: what this process does with each record, as evidence for ``verify --trace``.

One per process, like ``log``: every process of a pool appends to a file of its
own, one line and one write(2) per event, so SIGKILL loses nothing. Off unless ``open_supervisor``
or ``open_worker`` was called: then a call here costs one comparison, a worker's loop nothing.
"""

import os
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from time import monotonic_ns
from typing import Any, Literal, Protocol, TypeVar

import msgspec

from ticketpool import __version__, log
from ticketpool.core import events
from ticketpool.core.lane import Lane
from ticketpool.core.model import Partition
from ticketpool.core.trouble import Position
from ticketpool.errors import ConfigError

_log = log.get("ticketpool.trace")


class Writer:
    """Appends events to ``<role>-<pid>-<start ns>.jsonl``. Any thread; times never go back.

    A write that fails ends the log, with an error once: the pool goes on, and
    the checker will miss what is missing.

    Raises:
        OSError: the file can't be made.
    """

    def __init__(self, folder: Path, role: str) -> None:
        self.path = folder / f"{role}-{os.getpid()}-{monotonic_ns()}.jsonl"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._fd = os.open(self.path, flags, 0o644)
        self._lock = threading.Lock()
        self._encode = msgspec.json.Encoder().encode

    def write(self, kind: Callable[..., Any], *fields: object) -> None:
        """Note an event of now. Never raises."""
        with self._lock:  # or the lines of two threads might swap
            if self._fd < 0:
                return
            line = self._encode(kind(monotonic_ns(), *fields)) + b"\n"
            try:
                if os.write(self._fd, line) == len(line):
                    return
                problem = "the line did not fit"
            except OSError as error:
                problem = str(error)
            self._end()
        _log.error("trace log ended", path=str(self.path), error=problem, setting="--trace-log")

    def close(self) -> None:
        """Write no more."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


_writer: Writer | None = None


def open_supervisor(folder: str | None, group: str) -> None:
    """*Supervisor side.* Begin this process's log in ``folder``, if there is to be one.

    Raises:
        ConfigError: the folder can't be made or written to.
    """
    global _writer
    if folder is None:
        return
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        _writer = Writer(Path(folder), "supervisor")
    except OSError as error:
        raise ConfigError(f"--trace-log {folder}: {error.strerror}") from None
    _writer.write(
        events.Process, "supervisor", os.getpid(), group, clock(), None, None, __version__
    )


def open_worker(beside: str | None, group: str, slot: int) -> None:
    """*Worker side.* Begin this process's log beside the supervisor's, if that has one."""
    global _writer
    if beside is None:
        return
    path = Path(beside)
    try:
        _writer = Writer(path.parent, "worker")
    except OSError as error:
        _log.error("trace log not begun", error=str(error), setting="--trace-log")
        return
    _writer.write(
        events.Process, "worker", os.getpid(), group, clock(), slot, path.stem, __version__
    )


def close() -> None:
    """End this process's log, if there is one."""
    global _writer
    if _writer is not None:
        _writer.close()
        _writer = None


def path() -> str | None:
    """Of this process's log."""
    return None if _writer is None else str(_writer.path)


def clock() -> str:
    """Names our clock: times of another boot or time namespace (time_namespaces(7)) differ."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    try:
        return f"{boot} {os.readlink('/proc/self/ns/time')}"
    except OSError:  # before Linux 5.6
        return boot


# -- what a supervisor notes ----------------------------------------------------------


def assigned(lane: Lane, start: int | None) -> None:
    """A partition has come, to be read from ``start``."""
    _note(events.Assigned, lane, start)


def opened(lane: Lane, pid: int) -> None:
    """Call it before the worker is told."""
    _note(events.Opened, lane, lane.number, pid)


def received(lane: Lane, expected: int | None, offsets: Sequence[int]) -> None:
    """Records came in; what is missing from ``expected`` on does not exist."""
    if _writer is None:
        return
    if expected is None:
        _note(events.Began, lane, offsets[0])
    following = offsets[0] if expected is None else expected
    for first, last in events.ranges(list(offsets)):
        if first > following:
            _note(events.Jumped, lane, following, first - 1)
        following = last + 1


def reached_end(lane: Lane, expected: int | None, end: int) -> None:
    """The log ends at ``end``, without records from ``expected`` on. Before the ledger is told."""
    if expected is None:
        _note(events.Began, lane, end)
    elif end > expected:
        _note(events.Jumped, lane, expected, end - 1)


def delivered(lane: Lane, offsets: Sequence[int]) -> None:
    """Call it before the worker is sent them."""
    if _writer is not None:
        _note(events.Delivered, lane, lane.number, events.ranges(list(offsets)))


def settled(lane: Lane, through: int, by: Literal["ack", "words", "deaths"]) -> None:
    """All up to ``through`` is finished."""
    _note(events.Settled, lane, through, by)


def dead_lettered(lane: Lane, offset: int) -> None:
    """A dead letter has been acknowledged."""
    _note(events.DeadLettered, lane, offset)


def skipped(lane: Lane, offset: int) -> None:
    """A record that failed for good is passed over."""
    _note(events.Skipped, lane, offset)


def closing(lane: Lane) -> None:
    """Call it before the worker is told."""
    _note(events.Closing, lane)


def handed_back(lane: Lane) -> None:
    """Its worker has closed it."""
    _note(events.HandedBack, lane, lane.number)


def abandoned(lane: Lane) -> None:
    """Something of the lane will stay unsettled, on purpose."""
    _note(events.Abandoned, lane)


def committing(positions: Iterable[tuple[Lane, Position]]) -> None:
    """Call it before the commit is sent."""
    for lane, (offset, _) in positions if _writer is not None else ():
        _note(events.Committing, lane, offset, events.ranges(lane.ledger.held_before(offset)))


def committed(partition: Partition, lane: Lane | None, offset: int, error: str | None) -> None:
    """What the broker said to a commit."""
    if _writer is not None:
        epoch = None if lane is None else lane.epoch
        _writer.write(events.Committed, partition.topic, partition.number, epoch, offset, error)


def gave_up(lane: Lane, event: str) -> None:
    """Nothing of ours runs for the partition any more; ``event``: ``lost``, or why else."""
    _note(events.Lost if event == "lost" else events.Revoked, lane)


def worker_exited(slot: int, pid: int, reason: str) -> None:
    """A worker is dead, and what it had finished is settled."""
    if _writer is not None:
        _writer.write(events.WorkerExited, slot, pid, reason)


def stopped() -> None:
    """Stopped in order; all workers are dead."""
    if _writer is not None:
        _writer.write(events.Stopped)


def _note(kind: Callable[..., Any], lane: Lane, *fields: object) -> None:
    if _writer is not None:
        _writer.write(kind, lane.partition.topic, lane.partition.number, lane.epoch, *fields)


# -- what a worker notes -----------------------------------------------------------------


class _Batch(Protocol):
    def offset(self, i: int) -> int: ...


B = TypeVar("B", bound=_Batch)


def traced(
    call: Callable[[B, int, int], object], lane: int, topic: str, partition: int
) -> Callable[[B, int, int], object]:
    """A lane's call, noted before and after; the call itself when nothing is traced."""
    if _writer is None:
        return call
    write = _writer.write

    def noted(batch: B, i: int, attempt: int) -> object:
        where = (lane, topic, partition, batch.offset(i), attempt)
        write(events.Started, *where)
        try:
            result = call(batch, i, attempt)
        except BaseException:
            write(events.Ended, *where, "failed")
            raise
        write(events.Ended, *where, "ok")
        return result

    return noted


def traced_async(
    call: Callable[[B, int, int], Awaitable[object]], lane: int, topic: str, partition: int
) -> Callable[[B, int, int], Awaitable[object]]:
    """The same for a call that returns what is to be awaited."""
    if _writer is None:
        return call
    write = _writer.write

    async def noted(batch: B, i: int, attempt: int) -> None:
        where = (lane, topic, partition, batch.offset(i), attempt)
        write(events.Started, *where)
        try:
            await call(batch, i, attempt)
        except BaseException:
            write(events.Ended, *where, "failed")
            raise
        write(events.Ended, *where, "ok")

    return noted


def started(lane: int, topic: str, partition: int, offset: int, attempt: int) -> None:
    """A call that begins with this record is about to be made."""
    if _writer is not None:
        _writer.write(events.Started, lane, topic, partition, offset, attempt)


def ended(
    lane: int, topic: str, partition: int, offset: int, attempt: int, outcome: events.Outcome
) -> None:
    """The call has returned, or raised."""
    if _writer is not None:
        _writer.write(events.Ended, lane, topic, partition, offset, attempt, outcome)
