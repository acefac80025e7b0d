"""Bytes from a record, made readable for a page: JSON, text, or a hex dump, and never too much.

*Supervisor side.* Pure functions. What they return is text; whoever shows it must not take it for
markup.
"""

import codecs
import unicodedata

import msgspec

_MOST_BYTES = 64 << 10
_MOST_CHARACTERS = 8_000
_MOST_DUMPED = 512
_COLUMNS = 16


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of a key, a value or a header.

    Attributes:
        kind: json, text, hex, none (a tombstone, no key) or withheld.
        text: empty for none and withheld.
        size: of the whole, in bytes.
        cut: ``text`` is only its beginning.
    """

    kind: str
    text: str = ""
    size: int = 0
    cut: bool = False


NONE = Preview(kind="none")
WITHHELD = Preview(kind="withheld")


def preview(data: bytes | None) -> Preview:
    """What of a key, a value or a header is shown; ``None``: there is none.

    >>> preview(b'{"a":1}').text
    '{\\n  "a": 1\\n}'
    """
    if data is None:
        return NONE
    whole = len(data) <= _MOST_BYTES
    kind, text, all_of_it = _readable(data[:_MOST_BYTES], whole=whole)
    return Preview(
        kind=kind,
        text=text[:_MOST_CHARACTERS],
        size=len(data),
        cut=not (whole and all_of_it) or len(text) > _MOST_CHARACTERS,
    )


def _readable(data: bytes, *, whole: bool) -> tuple[str, str, bool]:
    """Kind, text, and whether the text tells all of ``data``."""
    text = _text(data, whole=whole)
    if text is None:
        return "hex", _dump(data[:_MOST_DUMPED]), len(data) <= _MOST_DUMPED
    if whole and text[:1] in ("{", "["):
        try:
            return "json", msgspec.json.format(data, indent=2).decode(), True
        except msgspec.DecodeError:
            pass
    return "text", text, True


def _text(data: bytes, *, whole: bool) -> str | None:
    """``None``: these bytes are no text in UTF-8. A character that was cut in two is left out."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(data, final=whole)
    except UnicodeDecodeError:
        return None
    return None if any(map(_is_control, text[:_MOST_CHARACTERS])) else text


def _is_control(character: str) -> bool:
    return unicodedata.category(character) == "Cc" and character not in "\t\n\r"


def _dump(data: bytes) -> str:
    if len(data) <= _COLUMNS:
        return data.hex(" ")
    return "\n".join(
        _dump_line(at, data[at : at + _COLUMNS]) for at in range(0, len(data), _COLUMNS)
    )


def _dump_line(at: int, data: bytes) -> str:
    ascii_only = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)
    return f"{at:06x}  {data.hex(' '):<{_COLUMNS * 3 - 1}}  {ascii_only}"
