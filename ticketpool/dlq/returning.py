"""What a letter becomes when it goes back: the record as it was, and where it has been."""

from ticketpool.core import letter as names
from ticketpool.core.letter import Headers, Letter
from ticketpool.core.parking import RELEASE

_HEADER_BYTES = 200  # of ours, about, with room for the head of a record and of a batch


def headers_of(letter: Letter, *, release: bool = False, placed: bool = True) -> Headers:
    """The record's own headers, and ours.

    A letter that was parked was never tried, so that does not count as a replay.

    Args:
        release: it waits for no other one of its key.
        placed: it goes to the partition that it came from. Elsewhere its first offset
            means nothing.
    """
    replays = letter.replays + (0 if letter.parked else 1)
    ours: list[tuple[str, int | None]] = [
        (names.REPLAYS, replays),
        (names.FIRST_OFFSET, letter.first_offset if placed else None),
        (names.FIRST_TIMESTAMP, letter.first_ms),
        (names.FOLLOWS, letter.follows if placed and not release else None),
    ]
    told = tuple((name, str(value).encode()) for name, value in ours if value is not None)
    return (*letter.headers, *told, *(((names.FOLLOWS, RELEASE),) if release and placed else ()))


def size_of(letter: Letter) -> int:
    """Bytes that the record takes at most in its topic."""
    own = sum(len(name) + len(value or b"") + 10 for name, value in letter.headers)
    return len(letter.key or b"") + len(letter.value or b"") + own + _HEADER_BYTES
