"""A letter as a line of JSON, complete, and ready for ``produce --input`` where it can be."""

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from ticketpool.core.letter import Letter
from ticketpool.core.model import from_millis
from ticketpool.produce.envelope import MOST_MS

_encode = msgspec.json.Encoder().encode


def letter_line(letter: Letter, replayed: bool | None = None) -> bytes:
    """One line, without its end, as ``dlq list --json`` prints it.

    Bytes are told as text where they are UTF-8, else under ``<name>_base64``.
    """
    return _encode(fields(letter, replayed))


def fields(letter: Letter, replayed: bool | None = None) -> dict[str, Any]:
    """What that line holds."""
    told = {
        name: getattr(letter, name)
        for name in letter.__struct_fields__
        if name not in ("key", "value", "headers")
    }
    told["written"] = rfc3339(letter.written_ms)
    told |= _told("key", letter.key) | _told("value", letter.value)
    told["headers"] = [{"name": name} | _told("value", value) for name, value in letter.headers]
    return told if replayed is None else told | {"replayed": replayed}


def _told(name: str, data: bytes | None) -> dict[str, str | None]:
    try:
        return {name: None if data is None else data.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(data or b"").decode()}


def export_line(letter: Letter) -> bytes:
    """One line, without its end, that holds all of the letter under ``letter``.

    Where its key is text and its value JSON, it has the form of a line of ``produce
    --failed`` besides: ``produce --input`` sends the record as it was. Of others
    ``produce`` says that it can't read them, and sends nothing.
    """
    whole = {"reason": letter.reason, "letter": fields(letter)}
    record = _as_json(letter.value)
    if record is None or not _is_text(letter.key):
        return _encode({"ticketpool_failed": "letter"} | whole)
    stamp = letter.first_ms if 0 < (letter.first_ms or 0) <= MOST_MS else None
    key = None if letter.key is None else letter.key.decode()
    ticket: Mapping[str, Any] = {"key": key, "timestamp": stamp, "record": record}
    return _encode({"ticketpool_failed": "ticket", **ticket, **whole})


def _as_json(value: bytes | None) -> msgspec.Raw | None:
    """The value to the byte, if it is JSON and would not break the line."""
    if value is None or b"\n" in value or b"\r" in value:
        return None
    try:
        msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return msgspec.Raw(value)


def _is_text(data: bytes | None) -> bool:
    try:
        (data or b"").decode()
    except UnicodeDecodeError:
        return False
    return True


def rfc3339(millis: int) -> str:
    """The UTC time of a Kafka timestamp.

    >>> rfc3339(1709208000123)
    '2024-02-29T12:00:00.123Z'
    """
    return from_millis(millis).isoformat(timespec="milliseconds").replace("+00:00", "Z")
