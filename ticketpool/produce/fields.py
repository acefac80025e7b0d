"""The key and the time of a record, out of its fields."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from ticketpool.errors import ConfigError, TicketpoolError
from ticketpool.produce.envelope import MOST_MS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MISSING = msgspec.Raw(b"")


class BadLine(TicketpoolError):
    """A line that cannot be a ticket; the message says why, and stays below one line."""


class Field:
    """*Parent side.* One field of JSON objects, by its name or a dotted path to it.

    Raises:
        ConfigError: the path has an empty name; ``option`` names its setting.

    >>> bytes(Field("--key-field", "order.id").raw(b'{"order": {"id": 17, "n": 1}}'))
    b'17'
    """

    def __init__(self, option: str, path: str) -> None:
        self._path = path
        self._names = path.split(".")
        if not all(self._names):
            raise ConfigError(f"{option} {path!r}: write a name, or names joined by dots")
        self._decode = msgspec.json.Decoder(_nested(self._names)).decode

    def raw(self, line: bytes) -> bytes:
        """The field's JSON as it stands in the line.

        Raises:
            BadLine: there is no such field.
            msgspec.DecodeError, UnicodeDecodeError, RecursionError: the line is no JSON object.
        """
        found: Any = self._decode(line)
        for _ in self._names:
            found = found and found.inner
        if not found or not (raw := bytes(found)):
            raise BadLine(f"has no field {self._path!r}")
        return raw


def _nested(names: list[str]) -> Any:
    """The type of an object with one field, that with one field, …; other fields are skipped."""
    *outer, last = names
    kind: Any = msgspec.defstruct(
        "Fields", [("inner", msgspec.Raw, _MISSING)], rename={"inner": last}
    )
    for name in reversed(outer):
        field = ("inner", kind | None, None)
        kind = msgspec.defstruct("Fields", [field], rename={"inner": name})
    return kind


def key_of(raw: bytes) -> bytes | None:
    """A key out of a field's JSON: a text is its UTF-8, a number as it stands, null no key.

    >>> key_of(b'"a"'), key_of(b"17"), key_of(b"1.50"), key_of(b"true"), key_of(b"null")
    (b'a', b'17', b'1.50', b'true', None)

    Raises:
        BadLine: an object or an array.
    """
    head = raw[:1]
    if head == b'"':
        return raw[1:-1] if b"\\" not in raw else msgspec.json.decode(raw, type=str).encode()
    if head in (b"{", b"["):
        raise BadLine("has a key that is no text and no number")
    return None if raw == b"null" else raw


def time_of(raw: bytes) -> int | None:
    """Milliseconds since 1970 out of a field's JSON; ``None`` for null: the time of sending.

    >>> time_of(b'"1970-01-02T00:00:00.5+01:00"'), time_of(b"1500"), time_of(b"null")
    (82800500, 1500, None)

    Raises:
        BadLine: neither RFC 3339 nor whole milliseconds, or not after the start of 1970.
    """
    if raw == b"null":
        return None
    text = msgspec.json.decode(raw, type=str) if raw[:1] == b'"' else raw.decode()
    return milliseconds(text)


def milliseconds(text: str) -> int:
    """Milliseconds since 1970 of RFC 3339 or of a whole number. Raises ``BadLine``."""
    found = int(text) if text.isascii() and text.isdigit() and len(text) < 18 else _parsed(text)
    if not 0 < found <= MOST_MS:  # 0 would be taken for the time of sending
        raise BadLine(f"has the timestamp {_short(text)}, which is not within 1970 to 9999")
    return found


def _parsed(text: str) -> int:
    try:
        moment = msgspec.convert(text, datetime)
        return (moment - _EPOCH) // timedelta(milliseconds=1)
    except (msgspec.ValidationError, TypeError):  # TypeError: it has no zone
        raise BadLine(
            f"has the timestamp {_short(text)}; write RFC 3339 with a zone, "
            "or whole milliseconds since 1970"
        ) from None


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
