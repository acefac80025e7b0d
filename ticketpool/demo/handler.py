"""*Worker side.* The handler of ``ticketpool demo``: writes down what it was given."""

import functools
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ticketpool.core.model import Context, Ticket
from ticketpool.demo.journal import FOLDER_VARIABLE, Entry, line

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def handle(ticket: Ticket, context: Context) -> None:
    """Append the ticket to this process's journal.

    One write(2) to a file: what it has taken, a SIGKILL of this process can't
    take back. Nothing is buffered here.
    """
    written_ns = (ticket.timestamp - _EPOCH) // _MICROSECOND * 1000
    entry = Entry(
        at_ns=time.monotonic_ns(),
        latency_ns=time.time_ns() - written_ns,
        pid=os.getpid(),
        partition=context.partition,
        offset=context.offset,
        order_id=ticket.order_id,
        id=ticket.id,
        key=context.key,
    )
    os.write(_journal(), line(entry))


@functools.cache
def _journal() -> int:
    path = Path(os.environ[FOLDER_VARIABLE]) / str(os.getpid())
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
