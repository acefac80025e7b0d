"""A JSON line's bytes are the value; key and time come out of it; a bad one says why.

In doubt because msgspec skips the fields that nobody asks for, and because it
raises errors of three kinds.
"""

import pytest

from tests.produce.parsed import parsed
from ticketpool.errors import ConfigError
from ticketpool.produce.items import Bad, Item
from ticketpool.produce.parsing import Wanted, parser_of


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (b'{"id": "a", "n": [1, {"x": 2}]}', b"a"),
        (b'  {"n":1.0,"id":17}', b"17"),
        (b'{"id":1.50}', b"1.50"),
        (b'{"id":true}', b"true"),
        (b'{"id":null}', None),
        (b'{"id":""}', b""),
        (b'{"id":"a\\"\\u00fc"}', 'a"ü'.encode()),
        ('{"id":"ü"}'.encode(), "ü".encode()),
    ],
)
def test_the_key_is_a_text_or_a_number(line: bytes, key: bytes | None) -> None:
    assert parsed(line, key="id") == [Item(key, line, None)]


def test_a_key_deeper_down() -> None:
    line = b'{"order":{"by":{"id":"a"}},"id":"b"}'
    assert parsed(line, key="order.by.id") == [Item(b"a", line, None)]


def test_without_a_key_field_any_json_will_do() -> None:
    lines = [b"[1, 2]", b'"text"', b'{"a":1}', b"7"]
    assert parsed(b"\n".join(lines)) == [Item(None, line, None) for line in lines]


@pytest.mark.parametrize(
    ("time", "milliseconds"),
    [
        (b"1700000000123", 1_700_000_000_123),
        (b'"1700000000123"', 1_700_000_000_123),
        (b'"2023-11-14T22:13:20.123Z"', 1_700_000_000_123),
        (b'"2023-11-14T23:13:20.123456+01:00"', 1_700_000_000_123),
        (b"null", None),
    ],
)
def test_the_time_is_rfc_3339_or_milliseconds(time: bytes, milliseconds: int | None) -> None:
    line = b'{"at":' + time + b"}"
    assert parsed(line, timestamp="at") == [Item(None, line, milliseconds)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"id":"a"', "is no JSON: Input data was truncated"),
        (b'{"id":"a"} x', "is no JSON: trailing characters (byte 12)"),
        (b'{"id":"a","x":"\xff"}', "is no UTF-8 (byte 16)"),
        (b'{"id":"\xff"}', "is no UTF-8 (byte 8)"),
        (b"[1]", "got `array`"),
        (b'{"id":"a","x":' + b"[" * 50_000 + b"]" * 50_000 + b"}", "is nested too deeply"),
        (b'{"ID":"a"}', "has no field 'id'"),
        (b'{"id":{"a":1}}', "has a key that is no text and no number"),
        (b'{"id":[1]}', "has a key that is no text and no number"),
    ],
)
def test_a_bad_line_says_why_and_the_rest_goes_on(line: bytes, reason: str) -> None:
    bad, good = parsed(line + b'\n{"id":"next"}', key="id")
    assert isinstance(bad, Bad)
    assert reason in bad.reason
    assert bad.line == 1
    assert good == Item(b"next", b'{"id":"next"}', None)


@pytest.mark.parametrize("time", [b'"yesterday"', b'"2023-11-14T22:13:20"', b"-1", b"1.5", b"0"])
def test_a_time_that_kafka_could_not_hold_is_bad(time: bytes) -> None:
    (bad,) = parsed(b'{"at":' + time + b"}", timestamp="at")
    assert isinstance(bad, Bad)
    assert "timestamp" in bad.reason


def test_empty_lines_are_left_out_and_counted_in_the_numbers() -> None:
    bad = parsed(b"\n \r\n{}\n\nx")[-1]
    assert parsed(b"\n \r\n{}\n")[:2] == [None, None]
    assert isinstance(bad, Bad)
    assert bad.line == 5


@pytest.mark.parametrize("name", [".", "a..b", "a."])
def test_a_path_with_a_hole_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="--key-field"):
        parser_of("jsonl", Wanted(key=name))
