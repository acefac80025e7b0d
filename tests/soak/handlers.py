"""The handler under soak; copied to where the supervisors run.

What goes wrong with a ticket follows from its order_id and $SOAK_SEED alone, so it goes wrong
again when the ticket comes again, whoever handles it. Each end is noted in $JOURNAL, in lines as
``tests/run/journal.py`` reads them.
"""

import hashlib
import os
import threading
import time
from pathlib import Path

from ticketpool import Context, Reject, Ticket

_seed = os.environ["SOAK_SEED"]
_folder = Path(os.environ["JOURNAL"])
_lock = threading.Lock()
_file: int | None = None


def handle(ticket: Ticket, context: Context) -> None:
    """Fail, or note that it went well."""
    _suffer(fate(_seed, ticket.order_id), ticket.order_id, context)
    _note(ticket.order_id, context)


def fate(seed: str, order_id: int) -> str:
    """What becomes of a ticket; most often nothing, which is ``""``."""
    digest = hashlib.blake2b(f"{seed}:{order_id}".encode(), digest_size=4).digest()
    dice = int.from_bytes(digest, "little") % 20_000
    return next((what for below, what in _FATES if dice < below), "")


_FATES = (
    (1, "exit"),  # every 100 s at 200 tickets/s: it ends as a dead letter
    (6, "exit once"),  # every 20 s
    (126, "raise once"),
    (156, "reject"),
    (556, "sleep"),
)
"""Out of 20,000 tickets: numbers below the first field; the lowest that fits counts."""


def _suffer(what: str, order_id: int, context: Context) -> None:
    match what:
        case "exit":
            os._exit(3)
        case "exit once" if _is_first(order_id):
            os._exit(4)
        case "raise once" if context.attempt == 1:
            raise LookupError("the first attempt fails")
        case "reject":
            raise Reject("one of those that are rejected")
        case "sleep":
            time.sleep(0.05)


def _is_first(order_id: int) -> bool:
    """Whether no process has asked this before; a file remembers it."""
    try:
        (_folder / f"once-{order_id}").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _note(order_id: int, at: Context) -> None:
    fields = (
        "end", os.getpid(), at.topic, at.partition, at.offset, at.attempt, order_id,
        time.monotonic_ns(),
    )  # fmt: skip
    os.write(_journal(), (" ".join(map(str, fields)) + "\n").encode())


def _journal() -> int:
    global _file
    with _lock:
        if _file is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            _file = os.open(_folder / f"{os.getpid()}.txt", flags, 0o600)
        return _file
