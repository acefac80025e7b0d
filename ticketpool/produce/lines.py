"""Bytes in any split in, whole lines out, in memory bounded by the longest line."""

from typing import NamedTuple

LIMIT = 32 << 20
"""Bytes of the longest line that is read. No broker takes as much unless it was told to
(``message.max.bytes`` is 1 MB by default), and a frame must hold it."""

_BOM = b"\xef\xbb\xbf"


class Overlong(NamedTuple):
    """A line beyond the limit, of which only its place is kept."""

    start: int
    length: int


Line = bytes | Overlong


class Splitter:
    """Cuts a stream into lines; ``\\n`` and ``\\r\\n`` end a line and do not belong to it.

    A mark of UTF-8 (BOM) at the start of the stream is left out.

    >>> splitter = Splitter()
    >>> splitter.feed(b"one\\r\\ntw"), splitter.feed(b"o\\n\\nthree"), splitter.end()
    ([b'one'], [b'two', b''], [b'three'])
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._length = 0  # of the line begun
        self._start = 0  # where it begins in the stream
        self._at_start = True

    def feed(self, data: bytes) -> list[Line]:
        """The lines that are complete with ``data``."""
        first, *others = data.split(b"\n")
        self._keep(first)
        if not others:
            return []
        lines = [self._taken(), *map(_bare, others[:-1])]
        self._start += sum(map(len, others[:-1])) + len(others) - 1
        self._keep(others[-1])
        return lines

    def end(self) -> list[Line]:
        """The last line, if the stream does not end with the end of a line."""
        return [self._taken()] if self._length else []

    def _keep(self, piece: bytes) -> None:
        self._length += len(piece)
        self._parts.append(piece)
        if self._length > self._limit:
            self._parts.clear()

    def _taken(self) -> Line:
        start, length = self._start, self._length
        line = b"".join(self._parts)
        self._parts, self._length, self._start = [], 0, start + length + 1
        if self._at_start:
            self._at_start, line = False, line.removeprefix(_BOM)
        return Overlong(start, length) if length > self._limit else _bare(line)


def _bare(line: bytes) -> bytes:
    return line.removesuffix(b"\r")
