"""Lines of an input as tickets to be sent, or as what is wrong with them."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

import msgspec

from ticketpool.produce import envelope
from ticketpool.produce.csv_rows import CsvRows, Table
from ticketpool.produce.envelope import FailedLine, FailedTicket
from ticketpool.produce.fields import BadLine, Field, key_of, time_of
from ticketpool.produce.items import Bad, Item, Parsed, overlong, why
from ticketpool.produce.lines import Line, Overlong


class Parser(Protocol):
    """Turns lines into tickets, in order.

    Attributes:
        line: number of the last line that was taken; the first is 1.
        unread: number of the first line that is not wholly used: go on there after a stop.
    """

    line: int

    @property
    def unread(self) -> int: ...

    def parse(self, lines: Iterable[Line]) -> Iterator[Parsed]:
        """A ticket, a bad line, or ``None`` (an empty line) for each, as far as complete."""
        ...

    def end(self) -> Iterator[Parsed]:
        """What is left at the end of the input."""
        ...


class Wanted(NamedTuple):
    """Names of the fields that give a ticket its key and its timestamp."""

    key: str | None = None
    timestamp: str | None = None


class JsonLines:
    """One JSON value a line, sent as it stands; ``Parser`` tells the rest.

    With a key or a timestamp to be found, each must be an object that has the field;
    a field that is null means no key, or the time of sending. Lines of a ``--failed``
    file are taken, too: a ticket with its own key and timestamp, a line once it is mended.

    Raises:
        ConfigError: the name of a field cannot be one.
    """

    def __init__(self, wanted: Wanted) -> None:
        self.line = 0
        self._wanted = wanted
        self._key = Field("--key-field", wanted.key) if wanted.key else None
        self._time = Field("--timestamp-field", wanted.timestamp) if wanted.timestamp else None
        self._check = msgspec.json.Decoder(msgspec.Raw).decode

    @property
    def unread(self) -> int:
        return self.line + 1

    def parse(self, lines: Iterable[Line]) -> Iterator[Parsed]:
        for line in lines:
            self.line += 1
            if isinstance(line, Overlong):
                yield overlong(self.line, line)
            elif not line or line.isspace():
                yield None
            else:
                yield self._one(line)

    def end(self) -> Iterator[Parsed]:
        return iter(())

    def _one(self, line: bytes) -> Item | Bad:
        raw, columns = line, None
        try:
            if line.startswith(envelope.MARK):
                match envelope.opened(line):
                    case FailedTicket(_, key, timestamp, record):
                        text = None if key is None else key.encode()
                        return Item(text, bytes(record), timestamp)
                    case FailedLine() as failed:
                        raw, columns = _mended(failed), failed.columns
            return self._item(raw) if columns is None else Table(columns, *self._wanted).item(raw)
        except (BadLine, ValueError, RecursionError) as error:  # ValueError: msgspec's, Unicode
            reason = why(error)
            return Bad(self.line, reason, envelope.bad_line(reason, self.line, raw, columns))

    def _item(self, line: bytes) -> Item:
        if not line.isascii():
            line.decode()  # msgspec does not look into what it skips
        if not (self._key or self._time):
            self._check(line)
        key = key_of(self._key.raw(line)) if self._key else None
        return Item(key, line, time_of(self._time.raw(line)) if self._time else None)


def _mended(failed: FailedLine) -> bytes:
    if (data := failed.data) is None:
        raise BadLine(f"was too long to be kept ({failed.reason})")
    return data


def parser_of(form: str, wanted: Wanted) -> Parser:
    """The parser for ``--input-format`` jsonl or csv. Raises ``ConfigError``."""
    return CsvRows(wanted.key, wanted.timestamp) if form == "csv" else JsonLines(wanted)
