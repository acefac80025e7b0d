"""Keys that wait: behind a dead letter, the later tickets of its key follow it. Pure.

A key's tickets are numbered by their *first* offsets: those at which they were produced,
before any replay. Per parked key two of them suffice, since its tickets are handled in
this order or not at all: up to which one it was *passed*, and which one is the *last* that
waits. Each ticket that is parked says which one it *follows*; replayed, it is handled when
that one was passed, and parked again when not. The key is free when the last was passed.
"""

import base64
import binascii
import struct
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, auto
from hashlib import blake2b
from typing import NamedTuple

from ticketpool.core.letter import FIRST_OFFSET, FOLLOWS, number_in

RELEASE = b"release"
"""In place of what a replayed ticket follows: it waits for none."""

MOST_KEYS = 100
"""Of one partition: so many fit into 4 kB beside a committed offset."""

Headers = Sequence[tuple[str, bytes | None]]
Waiting = tuple[bytes, int, int]
"""A digest of the key, the first offset up to which it was passed, and the last that waits."""

_ENTRY = struct.Struct(">8sqq")


class Fate(Enum):
    """What became of a ticket."""

    HANDLED = auto()
    DIED = auto()
    PARKED = auto()


class _Ticket(NamedTuple):
    """``first``: its first offset. ``replayed``: it has others than its own."""

    first: int
    replayed: bool
    follows: int | None
    released: bool


def _ticket(offset: int, headers: Headers) -> _Ticket:
    first = number_in(headers, FIRST_OFFSET)
    if first is None or first >= offset:  # a stranger's header: nothing is replayed before it was
        return _Ticket(offset, False, None, False)
    released = [value for name, value in headers if name == FOLLOWS][-1:] == [RELEASE]
    return _Ticket(first, True, number_in(headers, FOLLOWS), released)


class Parking:
    """*Both sides.* The parked keys of one partition, as of some offset.

    Keys are told apart by a digest of 8 bytes; two with the same one are parked together.
    """

    def __init__(self, waiting: Iterable[Waiting] = ()) -> None:
        self._keys = {digest: (passed, last) for digest, passed, last in waiting}

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: bytes | None) -> bool:
        return bool(self._keys) and key is not None and _digest(key) in self._keys

    def waiting(self) -> list[Waiting]:
        """All of it, for the other side."""
        return [(digest, passed, last) for digest, (passed, last) in self._keys.items()]

    def follows(self, key: bytes | None, offset: int, headers: Headers) -> int | None:
        """The first offset of the ticket that must be handled before this one; ``None``: this
        one may be handled. A ticket without key follows none."""
        found = self._keys.get(_digest(key)) if self._keys and key is not None else None
        if found is None:
            return None
        passed, last = found
        ticket = _ticket(offset, headers)
        if not ticket.replayed:
            return last
        if ticket.released or ticket.first <= passed + 1:
            return None
        if ticket.follows is None:
            return last
        return None if ticket.follows <= passed else ticket.follows

    def note(self, key: bytes | None, offset: int, headers: Headers, fate: Fate) -> bytes | None:
        """It was handled, has died (there is a dead letter of it), or was parked.

        Returns:
            The digest of the key, if that concerns it.
        """
        if key is None or not (self._keys or fate is Fate.DIED):
            return None
        digest, first = _digest(key), _ticket(offset, headers).first
        passed, last = self._keys.get(digest, (first - 1, first))
        if fate is Fate.HANDLED:
            if digest not in self._keys:
                return None
            passed = max(passed, first)
        else:
            last = max(last, first)  # no later one, if it was handled before
        if passed >= last:
            self._keys.pop(digest, None)
        else:
            self._keys[digest] = passed, last
        return digest

    def get(self, digest: bytes) -> tuple[int, int] | None:
        """What is noted under a digest."""
        return self._keys.get(digest)

    def put(self, digest: bytes, state: tuple[int, int] | None) -> None:
        """Note it; ``None``: the key is free."""
        if state is None:
            self._keys.pop(digest, None)
        else:
            self._keys[digest] = state


def _digest(key: bytes) -> bytes:
    return blake2b(key, digest_size=8).digest()


class ParkedKeys:
    """*Supervisor side.* The truth: what is parked behind all that is settled, and what was at
    the offset that may be committed, which lies further back while dead letters are written.

    Attributes:
        current: behind all that is settled.
        stale: the present worker does not know what ``current`` holds; its next frame tells it.
    """

    def __init__(self, memo: str = "") -> None:
        waiting = list(_unpacked(memo))
        self.current, self._safe = Parking(waiting), Parking(waiting)
        self._changes: deque[tuple[int, bytes, tuple[int, int] | None]] = deque()
        self.stale = False

    def note(self, key: bytes | None, offset: int, headers: Headers, fate: Fate) -> None:
        """As ``Parking.note``; in the order of offsets."""
        digest = self.current.note(key, offset, headers, fate)
        if digest is not None:
            self._changes.append((offset, digest, self.current.get(digest)))

    def memo(self, committable: int) -> str:
        """What is parked before that offset, to be committed beside it. It never steps back."""
        while self._changes and self._changes[0][0] < committable:
            _, digest, state = self._changes.popleft()
            self._safe.put(digest, state)
        packed = b"".join(_ENTRY.pack(*one) for one in self._safe.waiting())
        return base64.b64encode(packed).decode()


def _unpacked(memo: str) -> Iterator[Waiting]:
    """Nothing of a memo that is not ours: anybody may commit anything."""
    try:
        yield from _ENTRY.iter_unpack(base64.b64decode(memo, validate=True))
    except (binascii.Error, struct.error, ValueError):
        return
