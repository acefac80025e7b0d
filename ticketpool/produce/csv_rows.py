"""Rows of CSV (RFC 4180, with a header) as JSON objects of texts."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from ticketpool.errors import ConfigError
from ticketpool.produce import envelope
from ticketpool.produce.fields import BadLine, milliseconds
from ticketpool.produce.items import Bad, Item, Parsed, overlong, why
from ticketpool.produce.lines import LIMIT, Line, Overlong

_OPEN_LIMIT = 1 << 20
"""Bytes of a row before a quote that is never closed is taken for a mistake."""

csv.field_size_limit(LIMIT)


class Table:
    """The columns, and what their rows become.

    An empty cell means no key, or the time of sending.

    Raises:
        ConfigError: a column is there twice, or the key's or the timestamp's is not there.
    """

    def __init__(self, columns: list[str], key: str | None, timestamp: str | None) -> None:
        self.columns = columns
        if twice := [name for name, count in Counter(columns).items() if count > 1]:
            raise ConfigError(f"the CSV's header has {twice[0]!r} more than once; rename one")
        self._key = self._index("--key-field", key)
        self._time = self._index("--timestamp-field", timestamp)
        self._encode = msgspec.json.Encoder().encode

    def _index(self, option: str, name: str | None) -> int | None:
        if name is None:
            return None
        if name not in self.columns:
            raise ConfigError(
                f"{option} {name!r}: the CSV's header has no such column, "
                f"but {', '.join(map(repr, self.columns))}"
            )
        return self.columns.index(name)

    def item(self, row: bytes) -> Item:
        """The ticket of a row. Raises ``BadLine``, ``UnicodeDecodeError``."""
        cells = cells_of(row)
        if cells is None:
            raise BadLine("has a quoted field that is not closed")
        return self.item_of(cells)

    def item_of(self, cells: list[str]) -> Item:
        """The same of a row's cells."""
        if len(cells) != len(self.columns):
            raise BadLine(f"has {len(cells)} columns, and the header {len(self.columns)}")
        key = None if self._key is None else cells[self._key].encode() or None
        value = self._encode(dict(zip(self.columns, cells, strict=True)))
        time = "" if self._time is None else cells[self._time]
        return Item(key, value, milliseconds(time) if time else None)


def cells_of(row: bytes) -> list[str] | None:
    """The cells of one row; ``None`` while a quoted field is open at its end.

    >>> cells_of(b'a,"b, c"'), cells_of(b'a,"b'), cells_of(b'a,"b' + b"\\n" + b'c"')
    (['a', 'b, c'], None, ['a', 'b\\nc'])

    Raises:
        BadLine, UnicodeDecodeError: it is no row.
    """
    try:
        return next(csv.reader([row.decode()], strict=True))
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            return None
        raise BadLine(f"is no row of CSV: {error}") from None


class CsvRows:
    """``ticketpool.produce.parsing.Parser`` for CSV; the first line names the columns."""

    def __init__(self, key: str | None, timestamp: str | None) -> None:
        self.line = 0
        self._wanted = key, timestamp
        self._table: Table | None = None
        self._open: list[bytes] = []  # the lines of a row whose end has not come
        self._open_bytes = 0
        self._first = 1  # number of the row's first line

    @property
    def unread(self) -> int:
        return self.line + 1 - len(self._open)

    def parse(self, lines: Iterable[Line]) -> Iterator[Parsed]:
        for line in lines:
            self.line += 1
            if isinstance(line, Overlong):
                yield from self._overlong(line)
            elif self._open and not self._closes(line):
                continue
            elif self._open or line.strip():
                yield from self._row(b"\n".join([*self._open, line]))
            else:
                yield None

    def end(self) -> Iterator[Parsed]:
        if self._open:
            row, self._open = b"\n".join(self._open), []
            yield self._bad(BadLine("has a quoted field that is not closed"), row)

    def _overlong(self, line: Overlong) -> Iterator[Parsed]:
        yield from self.end()
        bad = overlong(self.line, line)
        if self._table is None:
            raise ConfigError(f"the CSV's header {bad.reason}")
        yield bad

    def _closes(self, line: bytes) -> bool:
        """Whether the row may end with that line; kept for later if not."""
        self._open_bytes += len(line)
        if line.count(b'"') % 2 or self._open_bytes > _OPEN_LIMIT:
            return True
        self._open.append(line)
        return False

    def _row(self, row: bytes) -> Iterator[Parsed]:
        if not self._open:
            self._first = self.line
        try:
            cells = cells_of(row)
            if cells is None and len(row) <= _OPEN_LIMIT:
                self._open, self._open_bytes = row.split(b"\n"), len(row)
                return
            self._open = []
            if cells is None:
                raise BadLine("has a quoted field that is not closed")
            if self._table is not None:
                yield self._table.item_of(cells)
            else:
                self._table = Table(cells, *self._wanted)
        except (BadLine, UnicodeDecodeError) as error:
            yield self._bad(error, row)

    def _bad(self, error: Exception, row: bytes) -> Bad:
        self._open = []
        if self._table is None:
            raise ConfigError(f"the CSV's header {why(error)}")
        reason = why(error)
        kept = envelope.bad_line(reason, self._first, row, self._table.columns)
        return Bad(self._first, reason, kept)
