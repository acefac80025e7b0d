"""Handlers for the services under test; copied to where those run.

Each notes in a journal what it is called with: a line per event, written at once
with one write(2) to a file of its process in the folder $JOURNAL.
"""

import asyncio
import ctypes
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ticketpool import Context, PartialFailure, Record, Reject, Ticket

_lock = threading.Lock()
_supervisor = os.getppid()
_file: int | None = None


def _journal() -> int:
    global _file
    with _lock:
        if _file is None:
            path = Path(os.environ["JOURNAL"], f"{os.getpid()}.txt")
            _file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return _file


def _note(what: str, at: Context | Record, attempt: int = 1, order_id: int = 0) -> None:
    fields = (
        what, os.getpid(), at.topic, at.partition, at.offset, attempt, order_id,
        time.monotonic_ns(),
    )  # fmt: skip
    os.write(_journal(), (" ".join(map(str, fields)) + "\n").encode())


def journal(ticket: Ticket, context: Context) -> None:
    """Note the ticket, nothing else."""
    _note("end", context, context.attempt, ticket.order_id)


def raw(record: Record) -> None:
    """Note a record of any kind."""
    _note("end", record)


def noop(ticket: Ticket) -> None:
    """For the speed of everything else."""


def rejecting(ticket: Ticket, context: Context) -> None:
    """Note the ticket, but reject each hundredth."""
    if ticket.order_id % 100 == 0:
        raise Reject("a hundredth")
    _note("end", context, context.attempt, ticket.order_id)


def obey(ticket: Ticket, context: Context) -> None:
    """Do what the ticket's data says: the name of a deed below, a blank, its argument."""
    _note("begin", context, context.attempt, ticket.order_id)
    deed, _, argument = ticket.data.partition(" ")
    _DEEDS[deed](argument, context)
    _note("end", context, context.attempt, ticket.order_id)


def sending(ticket: Ticket, context: Context) -> None:
    """Send where the ticket stands to topic $OUTPUTS, under the key of its partition; then obey."""
    where = {"partition": context.partition, "offset": context.offset, "attempt": context.attempt}
    context.send(os.environ["OUTPUTS"], where, key=str(context.partition), headers=[("n", "1")])
    obey(ticket, context)


Deed = Callable[[str, Context], None]


def _nothing(argument: str, context: Context) -> None:
    pass


def _sleep(argument: str, context: Context) -> None:
    time.sleep(float(argument))


def _await_file(argument: str, context: Context) -> None:
    while not Path(argument).exists():
        time.sleep(0.01)


def _stick(argument: str, context: Context) -> None:
    """Hang at the first call, as on a connection that is dead; the next one goes well."""
    if not Path(argument).exists():
        Path(argument).touch()
        threading.Event().wait()


def _raise(argument: str, context: Context) -> None:
    raise LookupError(argument)


def _reject(argument: str, context: Context) -> None:
    raise Reject(argument)


def _send(argument: str, context: Context) -> None:
    """So many bytes more, that no compression makes fewer."""
    context.send(os.environ["OUTPUTS"], random.Random(1).randbytes(int(argument)))


def _reject_without(argument: str, context: Context) -> None:
    """Until the file is there."""
    if not Path(argument).exists():
        raise Reject(argument)


def _raise_before(argument: str, context: Context) -> None:
    if context.attempt < int(argument):
        raise LookupError(f"attempt {context.attempt}")


class _Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class _Unpicklable(Exception):
    def __init__(self) -> None:
        super().__init__("holds a lock")
        self.lock = threading.Lock()
        self.deed = lambda: None


def _unprintable(argument: str, context: Context) -> None:
    raise _Unprintable


def _unpicklable(argument: str, context: Context) -> None:
    raise _Unpicklable


def _surrogate(argument: str, context: Context) -> None:
    raise ValueError("half a pair: \ud800")


def _interrupt(argument: str, context: Context) -> None:
    raise KeyboardInterrupt


def _system_exit(argument: str, context: Context) -> None:
    sys.exit(argument)


def _recursion(argument: str, context: Context) -> None:
    _recursion(argument, context)


def _print(argument: str, context: Context) -> None:
    print(argument)


def _exit(argument: str, context: Context) -> None:
    os._exit(int(argument))


def _segfault(argument: str, context: Context) -> None:
    ctypes.string_at(0)


def _kill(argument: str, context: Context) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _kill_the_supervisor(argument: str, context: Context) -> None:
    """And wait for the end that comes with it."""
    if os.getppid() == _supervisor:  # nobody else's process
        os.kill(_supervisor, signal.SIGKILL)
    threading.Event().wait()


def _hang(argument: str, context: Context) -> None:
    threading.Event().wait()


def _hold_the_gil(argument: str, context: Context) -> None:
    ctypes.PyDLL(None).sleep(60)


def _hoard(argument: str, context: Context) -> None:
    """Take so many MiB and write to each."""
    hoard = [b"x" * (1 << 20) for _ in range(int(argument))]
    assert len(hoard) == int(argument)


def _write_to_the_pipe(argument: str, context: Context) -> None:
    """What no handler should: into the worker's own pipe to the supervisor. Then hang, so that
    nothing else comes of this worker."""
    nonsense = {
        "corrupt": (4).to_bytes(4, "little") + b"\xc1\xc1\xc1\xc1",
        "oversized": (2**32 - 1).to_bytes(4, "little") + b"x",
        "half": (1000).to_bytes(4, "little") + b"x" * 500,
    }
    os.write(int(sys.argv[1]), nonsense[argument])
    _hang("", context)


def _grandchild(argument: str, context: Context) -> None:
    """Leave a process behind that holds our standard output and error open, and die."""
    child = subprocess.Popen(["sleep", argument])
    Path(os.environ["JOURNAL"], "grandchild").write_text(str(child.pid))
    os.kill(os.getpid(), signal.SIGKILL)


def _once(argument: str, context: Context) -> None:
    """Do the deed at the first delivery only: a file remembers it."""
    mark = Path(os.environ["JOURNAL"], f"once-{context.topic}-{context.partition}-{context.offset}")
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return
    deed, _, rest = argument.partition(" ")
    _DEEDS[deed](rest, context)


_DEEDS: dict[str, Deed] = {
    "": _nothing,
    "sleep": _sleep,
    "await": _await_file,
    "stick": _stick,
    "raise": _raise,
    "reject": _reject,
    "reject-without": _reject_without,
    "send": _send,
    "raise-before": _raise_before,
    "unprintable": _unprintable,
    "unpicklable": _unpicklable,
    "surrogate": _surrogate,
    "interrupt": _interrupt,
    "system-exit": _system_exit,
    "recursion": _recursion,
    "print": _print,
    "exit": _exit,
    "segfault": _segfault,
    "kill": _kill,
    "kill-the-supervisor": _kill_the_supervisor,
    "hang": _hang,
    "hold-the-gil": _hold_the_gil,
    "hoard": _hoard,
    "pipe": _write_to_the_pipe,
    "grandchild": _grandchild,
    "once": _once,
}


# -- other shapes -------------------------------------------------------------------------


async def obey_async(ticket: Ticket, context: Context) -> None:
    """As ``obey``; sleep without blocking, note that it was cancelled."""
    _note("begin", context, context.attempt, ticket.order_id)
    deed, _, argument = ticket.data.partition(" ")
    try:
        if deed == "sleep":
            await asyncio.sleep(float(argument))
        else:
            _DEEDS[deed](argument, context)
    except asyncio.CancelledError:
        await asyncio.sleep(0.05)
        _note("cancelled", context)
        raise
    _note("end", context, context.attempt, ticket.order_id)


def obey_batch(tickets: list[Ticket], contexts: list[Context]) -> None:
    """As ``obey``, one by one, and note the end of them all when all have ended."""
    both = list(zip(tickets, contexts, strict=True))
    _note("batch", contexts[0], len(both))
    for ticket, context in both:
        deed, _, argument = ticket.data.partition(" ")
        _DEEDS[deed](argument, context)
    for ticket, context in both:
        _note("end", context, context.attempt, ticket.order_id)


def obey_naming(tickets: list[Ticket], contexts: list[Context]) -> None:
    """The same, and name the one that fails."""
    _note("batch", contexts[0], len(tickets))
    for index, (ticket, context) in enumerate(zip(tickets, contexts, strict=True)):
        deed, _, argument = ticket.data.partition(" ")
        try:
            _DEEDS[deed](argument, context)
        except LookupError as error:
            raise PartialFailure(index, error) from error
        _note("end", context, context.attempt, ticket.order_id)


def until_cancelled(ticket: Ticket, context: Context) -> None:
    """Block until the drain has begun; at the second delivery there is nothing left to do."""
    _note("begin", context, context.attempt, ticket.order_id)
    if ticket.data == "wait" and not Path(os.environ["JOURNAL"], "waited").exists():
        while not context.cancelled:
            time.sleep(0.01)
        Path(os.environ["JOURNAL"], "waited").touch()
        raise InterruptedError("the service stops")
    _note("end", context, context.attempt, ticket.order_id)


class Store:
    """Keeps nothing, but notes its life: a line each in ``life-<pid>``."""

    def __init__(self) -> None:
        self._live("made")

    def _live(self, what: str) -> None:
        with Path(os.environ["JOURNAL"], f"life-{os.getpid()}").open("a") as file:
            file.write(f"{what}\n")

    def open(self) -> None:
        """Fails at the second start of all, when told to."""
        marks = [Path(os.environ["JOURNAL"], f"start-{number}") for number in (1, 2)]
        mark = next((mark for mark in marks if not mark.exists()), None)
        if mark is not None:
            mark.touch()
            if mark is marks[1] and "FAIL" in os.environ:
                raise ConnectionError("the database is away")
        self._live("open")

    def __call__(self, ticket: Ticket, context: Context) -> None:
        obey(ticket, context)

    async def close(self) -> None:
        await asyncio.sleep(0.01)
        self._live("close")


# -- callables that can be no handler, and why they can be none -------------------------


def no_parameter() -> None: ...


def three_parameters(ticket: Ticket, context: Context, more: str) -> None: ...


def wrong_context(ticket: Ticket, context: int) -> None: ...


def undecodable_annotation(ticket: threading.Thread) -> None: ...


def batch_of_what(tickets: list) -> None: ...  # type: ignore[type-arg]


def one_context_for_a_batch(tickets: list[Ticket], context: Context) -> None: ...


class WithoutCall:
    pass


class Unmakable:
    def __init__(self) -> None:
        raise LookupError("no model")

    def __call__(self, ticket: Ticket) -> None: ...


class Unopenable:
    async def open(self) -> None:
        raise ConnectionError("no database")

    def __call__(self, ticket: Ticket) -> None: ...


not_callable = 7
