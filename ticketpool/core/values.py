"""What programs and handlers send: bytes as they are, text as UTF-8, all else as JSON."""

import msgspec

SendableText = bytes | bytearray | memoryview | str
"""Taken as it is; text as UTF-8."""

_encode = msgspec.json.Encoder().encode


def encoded(who: str, value: object) -> bytes | None:
    """A record's value; ``None`` is a tombstone.

    Args:
        who: begins messages.

    Raises:
        TypeError: JSON has nothing for it.
        ValueError: text that UTF-8 has nothing for.

    >>> encoded("send", {"order_id": 7})
    b'{"order_id":7}'
    """
    if value is None or isinstance(value, SendableText):
        return raw(who, "the value", value)
    return _encode(value)


def raw(who: str, what: str, text: object) -> bytes | None:
    """A key or a header's value.

    Raises:
        TypeError: ``what`` is none of these.
        ValueError: text that UTF-8 has nothing for.
    """
    if text is None or isinstance(text, bytes):
        return text
    if isinstance(text, str):
        return text.encode()
    if isinstance(text, bytearray | memoryview):
        return bytes(text)
    raise TypeError(f"{who}: {what} is a {type(text).__name__}, not bytes, str or None")
