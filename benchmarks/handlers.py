"""Handlers of the benchmarks; copied to where the commands run."""

import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ticketpool import Context, Ticket

_lock = threading.Lock()
_file: int | None = None


def _journal() -> int:
    global _file
    with _lock:
        if _file is None:
            path = Path(os.environ["JOURNAL"], f"{os.getpid()}.txt")
            _file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return _file


def noop(ticket: Ticket) -> None:
    """Nothing: what is left is ticketpool's own time."""


def time_it(ticket: Ticket, context: Context) -> None:
    """Note the ticket's place and its age: microseconds since the producer made it."""
    age = (datetime.now(UTC) - ticket.timestamp) // timedelta(microseconds=1)
    os.write(_journal(), f"{context.partition} {context.offset} {age}\n".encode())
