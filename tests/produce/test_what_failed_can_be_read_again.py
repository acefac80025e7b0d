"""A line of a --failed file, read by --input, is the same ticket or the same complaint.

In doubt because a ticket that was made up has its key nowhere in its JSON, and a
bad line may be no UTF-8.
"""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.produce.parsed import parsed
from ticketpool.produce import envelope
from ticketpool.produce.envelope import MARK
from ticketpool.produce.items import Bad, Item

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.none() | st.text(), JSON, st.none() | st.integers(1, 10**12))
def test_a_ticket_is_the_same_to_the_byte(
    key: str | None, record: object, timestamp: int | None
) -> None:
    value = json.dumps(record, separators=(" , ", " : ")).encode()
    raw_key = None if key is None else key.encode()
    line = envelope.ticket("it was late", raw_key, value, timestamp)
    assert line.startswith(MARK)
    assert b"\n" not in line
    again = [Item(raw_key, value, timestamp)]
    assert parsed(line) == parsed(line, key="order.id", timestamp="at") == again
    assert parsed(json.dumps(json.loads(line)).encode())[0] == Item(
        raw_key, json.dumps(record).encode(), timestamp
    )


@given(st.binary(max_size=50))
def test_a_bad_line_is_the_same_to_the_byte(raw: bytes) -> None:
    line = envelope.bad_line("is no JSON", 12, raw)
    opened = envelope.opened(line)
    assert isinstance(opened, envelope.FailedLine)
    assert opened.data == raw


def test_a_bad_line_is_read_again_once_mended() -> None:
    (bad,) = parsed(b'{"ID":7}', key="id")
    assert isinstance(bad, Bad)
    assert parsed(bad.kept, key="id") == [bad]
    assert parsed(bad.kept.replace(b"ID", b"id"), key="id") == [Item(b"7", b'{"id":7}', None)]


def test_a_bad_row_of_csv_is_read_again_once_mended() -> None:
    (bad,) = parsed(b'id,x\n1,"a\n', "csv", key="id")
    assert isinstance(bad, Bad)
    mended = bad.kept.replace(b'\\"a"', b'\\"a\\""')
    assert parsed(mended, key="id") == [Item(b"1", b'{"id":"1","x":"a"}', None)]


@pytest.mark.parametrize(
    "line",
    [
        b'{"ticketpool_failed":"tocket"}',
        b'{"ticketpool_failed":"ticket","reason":"","key":1,"record":1}',
        b'{"ticketpool_failed":"line","reason":"","line":1,"raw_base64":"?"}',
        b'{"ticketpool_failed":"line","reason":"too long","line":1,"start":3,"length":9}',
    ],
)
def test_what_was_mended_amiss_is_a_bad_line(line: bytes) -> None:
    (bad,) = parsed(line)
    assert isinstance(bad, Bad)


def test_reason_and_number_can_be_read_by_others() -> None:
    line = envelope.bad_line("is no JSON: \x00", 12, b'{"a": ')
    assert msgspec.json.decode(line) == {
        "ticketpool_failed": "line", "reason": "is no JSON: \x00", "line": 12, "raw": '{"a": ',
    }  # fmt: skip
