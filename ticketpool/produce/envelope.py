"""The lines of a ``--failed`` file: what was not delivered, in a form that ``--input`` takes.

Two kinds, told apart by their first field::

    {"ticketpool_failed":"ticket","reason":"…","key":"key-17","timestamp":1764081000000,"record":{…}}
    {"ticketpool_failed":"line","reason":"…","line":12,"raw":"{\\"order_id\\": "}

A *ticket* could be sent and was not delivered: ``record`` is its value, to the
byte, and its own key and timestamp go with it. A *line* could not be read:
``raw`` is the line (``raw_base64`` where it is no UTF-8); mend that text, or the
options, and feed the file back. A row of CSV has its ``columns`` beside it.
"""

import base64
from typing import Annotated

import msgspec

MOST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999, since 1970: the latest timestamp that is sent."""

MARK = b'{"ticketpool_failed"'
"""How such a line begins. Other JSON lines never do."""


class FailedTicket(msgspec.Struct, frozen=True, tag_field="ticketpool_failed", tag="ticket"):
    """A ticket that was not delivered. ``timestamp``: milliseconds; ``None``: that of sending."""

    reason: str
    key: str | None
    timestamp: Annotated[int, msgspec.Meta(gt=0, le=MOST_MS)] | None
    record: msgspec.Raw


class FailedLine(
    msgspec.Struct, frozen=True, tag_field="ticketpool_failed", tag="line", omit_defaults=True
):
    """A line that is no ticket.

    Attributes:
        line: its number in the input, the first is 1.
        raw: the line; ``raw_base64`` instead where it is no UTF-8; neither where it is
            too long to be kept: then ``start`` and ``length`` in bytes tell where it is.
        columns: names of a CSV's columns.
    """

    reason: str
    line: int
    raw: str | None = None
    raw_base64: str | None = None
    columns: list[str] | None = None
    start: int | None = None
    length: int | None = None

    @property
    def data(self) -> bytes | None:
        """The line as it stood in the input."""
        if self.raw_base64 is not None:
            return base64.b64decode(self.raw_base64)
        return None if self.raw is None else self.raw.encode()


Envelope = FailedTicket | FailedLine

_decoder = msgspec.json.Decoder(Envelope)
_encoder = msgspec.json.Encoder()


def opened(line: bytes) -> Envelope:
    """The envelope in a line that begins with ``MARK``.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError, RecursionError: it was mended amiss.
    """
    envelope: Envelope = _decoder.decode(line)
    return envelope


def ticket(reason: str, key: bytes | None, value: bytes, timestamp: int | None) -> bytes:
    """The line, without its end, of a ticket with a JSON value."""
    text = None if key is None else key.decode()
    return _encoder.encode(FailedTicket(reason, text, timestamp, msgspec.Raw(value)))


def bad_line(reason: str, line: int, raw: bytes, columns: list[str] | None = None) -> bytes:
    """The line, without its end, for a line of the input that is no ticket."""
    text, encoded = None, None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        encoded = base64.b64encode(raw).decode()
    return _encoder.encode(FailedLine(reason, line, text, encoded, columns))


def overlong(reason: str, line: int, start: int, length: int) -> bytes:
    """The same for a line too long to be kept."""
    return _encoder.encode(FailedLine(reason, line, start=start, length=length))
