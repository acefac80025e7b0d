"""A dead letter's reason leads to the place in the payload, and keeps the payload to itself.

In doubt because libraries count bytes in their own way, or not at all, and like to repeat
what they were given: reasons stand in logs.
"""

import enum
from typing import Any

import msgspec
import pytest

from ticketpool import Ticket
from ticketpool.worker.reasons import reason


class Size(enum.Enum):
    SMALL = "small"


class Shirt(msgspec.Struct, forbid_unknown_fields=True):
    size: Size


def told(value: bytes, kind: Any = Ticket, decode: Any = msgspec.json.decode) -> str:
    """The reason why it does not decode."""
    with pytest.raises(Exception) as caught:
        decode(value, type=kind)
    assert isinstance(caught.value, Exception)
    return reason(value, caught.value)


def test_a_wrong_type_is_told_with_its_path() -> None:
    value = b'[{"id":"a","timestamp":"2024-01-02T03:04:05Z","order_id":"7","data":"x"}]'
    assert told(value, list[Ticket]).endswith("Expected `int`, got `str` - at `$[0].order_id`")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (b'{"id":?}', "invalid character (byte 6)"),
        (b'{"id" 1}', "expected ':' (byte 6)"),
        (b'{"id":1,}', "trailing comma in object (byte 8)"),
    ],
)
def test_what_is_no_json_is_told_with_its_byte(value: bytes, words: str) -> None:
    assert told(value, dict) == f"DecodeError: JSON is malformed: {words}"


def test_what_ends_too_early_is_told_with_its_length() -> None:
    assert told(b'{"id":"a', dict) == "DecodeError: Input data was truncated (it has 8 bytes)"


@pytest.mark.parametrize("before", [b"", b'{"skipped":"\xff\xfe","list":[1,{"data":"x"}],'])
def test_text_that_is_no_utf_8_is_told_with_its_byte_and_key(before: bytes) -> None:
    value = (before or b"{") + b'"id":"abc\xf0def","data":"secret"}'
    words = told(value)
    place = value.index(b"\xf0")
    assert (
        f"byte 0xf0 is no UTF-8 (invalid continuation byte, byte {place}, after the key 'id')"
        in words
    )
    assert "secret" not in words


def test_the_same_in_msgpack() -> None:
    value = b"\x82\xa1x\x01\xa2id\xa3a\xffc"
    words = told(value, dict, msgspec.msgpack.decode)
    assert words == "UnicodeDecodeError: byte 0xff is no UTF-8 (invalid start byte, byte 9)"


def test_text_from_elsewhere_has_no_place() -> None:
    error = UnicodeDecodeError("utf-8", b"unzipped \xff", 9, 10, "invalid start byte")
    assert reason(b"zipped", error).endswith("invalid start byte, in a string of 10 bytes")


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_what_is_nested_too_deeply_is_told_with_the_place(opening: bytes) -> None:
    value = b'{"no":"[[[\\"[[[","deep":' + opening * 100_000
    words = told(value, dict)
    place = value.index(b"deep") + len(b'deep":') + (1000 - 2) * len(opening)
    assert words == f"RecursionError: nested too deeply (1000 levels at byte {place})"
    nested = told(b"\x91" * 100_000, Any, msgspec.msgpack.decode)
    assert nested == "RecursionError: nested too deeply"


def test_the_deepest_place_is_told_when_levels_are_few() -> None:
    words = reason(b"[[],[[[]]],[[]]]", RecursionError())
    assert words == "RecursionError: nested too deeply (4 levels at byte 6)"


def test_a_long_text_is_cut_and_its_place_is_not() -> None:
    words = told(b'{"size":"' + b"x" * 100_000 + b'"}', Shirt)
    assert len(words) < 300
    assert words.endswith("- at `$.size`")


@pytest.mark.parametrize("value", [b"4711-secret", b"\xff\x00secret", "geheim für alle".encode()])
def test_a_complaint_that_repeats_the_payload_is_told_without_it(value: bytes) -> None:
    for error in (ValueError(f"cannot read {value!r}"), ValueError(value.decode(errors="replace"))):
        assert "secret" not in reason(value, error)
        assert "geheim" not in reason(value, error)
    assert reason(value, ValueError("no such schema: 9")) == "ValueError: no such schema: 9"


def test_nothing_is_told_as_such() -> None:
    assert reason(None, TypeError()) == "the value is null (a tombstone)"
    assert reason(b"", msgspec.DecodeError("truncated")) == "the value is empty"
