"""Why a payload does not decode, and where in it: in words that never tell all of it.

The words go to logs and to headers of dead letters; a payload may be secret, and long.
"""

import re

import msgspec

_KEPT_HEAD, _KEPT_TAIL = 160, 80  # of a message that is longer; the place in it comes last
_LEAST_HIDDEN = 4  # bytes; shorter payloads would be found in any text
_DEEP = 1000  # levels; no decoder of ours comes as far

_JSON_NESTED = re.compile(rb"\s*[\[{]")  # no other codec's nested value begins so
_JSON_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
_JSON_KEY = re.compile(rb'"([^"\\]{1,60})"\s*:')
_KEY_WITHIN = 4096  # bytes before the place in which a key is looked for


def reason(value: bytes | None, error: Exception) -> str:
    """The error as text: its kind, what is wrong, and the place in the payload where known."""
    if value is None:
        return "the value is null (a tombstone)"
    if not value:
        return "the value is empty"
    return f"{type(error).__name__}: {_told(value, error)}"


def _told(value: bytes, error: Exception) -> str:
    match error:
        case UnicodeDecodeError():
            return _not_unicode(value, error)
        case RecursionError():
            return f"nested too deeply{_depth(value)}"
        case msgspec.ValidationError():
            return _concise(value, error)
        case msgspec.DecodeError() if "(byte " not in str(error):  # truncated
            return f"{_concise(value, error)} (it has {len(value)} bytes)"
    return _concise(value, error)


def _not_unicode(value: bytes, error: UnicodeDecodeError) -> str:
    """``error`` counts in the string at hand; the payload is what a reader has before him."""
    begin = value.find(error.object)
    place = max(begin, 0) + error.start
    if begin < 0 or place >= len(value):  # decoded from what is no part of the payload
        return f"{error.reason}, in a string of {len(error.object)} bytes"
    return (
        f"byte 0x{value[place]:02x} is no UTF-8 ({error.reason}, byte {place}{_key(value, place)})"
    )


def _key(value: bytes, place: int) -> str:
    """The last key before that place of a JSON object."""
    if not _JSON_NESTED.match(value):
        return ""
    keys = _JSON_KEY.findall(value, max(0, place - _KEY_WITHIN), place)
    return f", after the key {keys[-1].decode('utf-8', 'replace')!r}" if keys else ""


def _depth(value: bytes) -> str:
    """How deep a JSON value goes, and where it has come that deep."""
    if not _JSON_NESTED.match(value):
        return ""
    depth, deepest, place = 0, 0, 0
    for token in _JSON_TOKEN.finditer(value):
        depth += _LEVELS.get(token[0], 0)
        if depth > deepest:
            deepest, place = depth, token.start()
        if deepest == _DEEP:
            break
    return f" ({deepest} levels at byte {place})"


_LEVELS = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}


def _concise(value: bytes, error: Exception) -> str:
    """The error's own words without the payload, if they repeat all of it, and not too many."""
    words = str(error)
    if _LEAST_HIDDEN <= len(value) <= 4 * len(words):  # a character has up to four bytes
        for whole in (value.decode("utf-8", "replace"), repr(value)[2:-1]):
            words = words.replace(whole, "…")
    if len(words) > _KEPT_HEAD + _KEPT_TAIL:
        words = f"{words[:_KEPT_HEAD]} … {words[-_KEPT_TAIL:]}"
    return words
