"""What a line of an input turns out to be."""

from typing import NamedTuple

import msgspec

from ticketpool.produce import envelope
from ticketpool.produce.lines import LIMIT, Overlong


class Item(NamedTuple):
    """A ticket to be sent. ``timestamp``: milliseconds; ``None``: that of sending."""

    key: bytes | None
    value: bytes
    timestamp: int | None


class Bad(NamedTuple):
    """A line that is no ticket. ``kept``: its line in a ``--failed`` file."""

    line: int
    reason: str
    kept: bytes


Parsed = Item | Bad | None


def why(error: Exception) -> str:
    """What is wrong with a line, to be read after "line 12"."""
    match error:
        case UnicodeDecodeError():
            return f"is no UTF-8 (byte {error.start + 1})"
        case msgspec.ValidationError():
            return f"is no such record: {error}"
        case msgspec.DecodeError():
            return f"is no JSON: {str(error).removeprefix('JSON is malformed: ')}"
        case RecursionError():
            return "is nested too deeply"
    return str(error)


def overlong(number: int, line: Overlong) -> Bad:
    """A line longer than is read."""
    reason = (
        f"is {line.length:,} bytes long, and lines are read up to {LIMIT:,}; "
        f"it begins at byte {line.start:,} of the input"
    )
    return Bad(number, reason, envelope.overlong(reason, number, *line))
