"""Frames of records for tests, made in one place."""

from collections.abc import Sequence

from ticketpool.core.model import Headers
from ticketpool.ipc.frames import Records


def batch(
    lane: int,
    offsets: Sequence[int],
    values: Sequence[bytes | None],
    keys: Sequence[bytes | None] = (),
    headers: Sequence[Headers] = (),
    timestamps: Sequence[int] = (),
    attempts: int = 0,
) -> Records:
    """A frame of records; keys, headers and timestamps only for handlers that ask for them."""
    columns = list(keys), list(headers), list(timestamps)
    dense = list(offsets) == list(range(offsets[0], offsets[0] + len(values)))
    return Records(
        lane, offsets[0], [] if dense else list(offsets), list(values), *columns, attempts
    )
