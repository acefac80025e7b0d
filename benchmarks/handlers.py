"""Handlers of the benchmarks, ours and the bare loop's; copied to where the commands run."""

import asyncio
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ticketpool import Context, Ticket

EVERY = 500
"""After so many records ``spin_noted`` writes a line."""

_WORK = int(os.environ.get("WORK", "0"))

_lock = threading.Lock()
_file: int | None = None


def _note(line: str) -> None:
    os.write(_journal(), f"{line}\n".encode())


def _journal() -> int:
    global _file
    with _lock:
        if _file is None:
            path = Path(os.environ["JOURNAL"], f"{os.getpid()}.txt")
            _file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return _file


def noop(ticket: Ticket) -> None:
    """Nothing: what is left is ticketpool's own time."""


def weigh(value: bytes) -> None:
    """Nothing, and no decoding either."""


def burn(work: int) -> None:
    """Keep a core and the interpreter's lock busy."""
    for _ in range(work):
        pass


def spin(ticket: Ticket) -> None:
    """A fixed amount of work, as ``WORK`` tells."""
    burn(_WORK)


def nap(ticket: Ticket) -> None:
    """Block for as many seconds as the ticket says."""
    if seconds := float(ticket.data):
        time.sleep(seconds)


async def nap_async(ticket: Ticket) -> None:
    """As ``nap``, without blocking."""
    if seconds := float(ticket.data):
        await asyncio.sleep(seconds)


def nap_noted(ticket: Ticket, context: Context) -> None:
    """The same, and note the partition and when it was done."""
    nap(ticket)
    _note(f"{context.partition} {time.monotonic_ns()}")


def note_time(ticket: Ticket) -> None:
    """Note when the ticket arrived here."""
    _note(str(time.monotonic_ns()))


def note_age(ticket: Ticket) -> None:
    """Note the ticket's age: microseconds since the producer made it."""
    _note(str(_age_us(ticket)))


def time_it(ticket: Ticket, context: Context) -> None:
    """Note the ticket's place and its age."""
    _note(f"{context.partition} {context.offset} {_age_us(ticket)}")


def _age_us(ticket: Ticket) -> int:
    return (datetime.now(UTC) - ticket.timestamp) // timedelta(microseconds=1)


class _Presence:
    """How long this process has had no record at hand in any of its threads."""

    def __init__(self) -> None:
        self._at_hand = self._count = 0
        self._began = self._left = self._idle = 0

    def enter(self) -> None:
        with _lock:
            if not self._at_hand:
                now = time.monotonic_ns()
                self._began = self._began or now
                self._idle += now - (self._left or now)
            self._at_hand += 1

    def leave(self) -> str | None:
        """A line when it is time for one."""
        with _lock:
            self._at_hand -= 1
            self._count += 1
            self._left = time.monotonic_ns()
            if self._count % EVERY:
                return None
            return f"{self._began} {self._left} {self._idle} {self._count}"


_presence = _Presence()


def spin_noted(ticket: Ticket) -> None:
    """As ``spin``; note now and then since when, until when, how long idle, how many."""
    _presence.enter()
    burn(_WORK)
    if line := _presence.leave():
        _note(line)


def doze(ticket: Ticket) -> None:
    """Block for a tenth of a second."""
    time.sleep(0.1)
