"""Rows of CSV become JSON objects, also over several lines; a bad one says why.

In doubt because a quote that is never closed swallows what follows it.
"""

import pytest

from tests.produce.parsed import parsed
from ticketpool.errors import ConfigError
from ticketpool.produce.items import Bad, Item
from ticketpool.produce.lines import Overlong
from ticketpool.produce.parsing import Wanted, parser_of


def _csv(text: str, key: str | None = None, timestamp: str | None = None) -> list[object]:
    return list(parsed(text.encode(), "csv", key, timestamp))


def test_a_row_has_its_key_and_its_time() -> None:
    assert _csv("id,at,x\r\n7,1700000000123,ü\r\n", "id", "at") == [
        Item(b"7", '{"id":"7","at":"1700000000123","x":"ü"}'.encode(), 1_700_000_000_123)
    ]


def test_an_empty_cell_is_no_key_and_the_time_of_sending() -> None:
    assert _csv("id,at\n,\n", "id", "at") == [Item(None, b'{"id":"","at":""}', None)]


def test_quotes_commas_and_line_ends_within_a_field() -> None:
    text = 'id,"x, y"\n1,"a, ""b""\r\n\nend"\n2,z'
    assert _csv(text, "id") == [
        Item(b"1", b'{"id":"1","x, y":"a, \\"b\\"\\n\\nend"}', None),
        Item(b"2", b'{"id":"2","x, y":"z"}', None),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1", "has 1 columns, and the header 2"),
        ("1,2,3", "has 3 columns, and the header 2"),
        ('1,"a"b', "is no row of CSV"),
    ],
)
def test_a_bad_row_says_why_and_the_rest_goes_on(row: str, reason: str) -> None:
    bad, good = _csv(f"id,x\n{row}\n2,y", "id")
    assert isinstance(bad, Bad)
    assert (bad.line, reason in bad.reason) == (2, True)
    assert good == Item(b"2", b'{"id":"2","x":"y"}', None)


def test_bytes_that_are_no_utf_8() -> None:
    bad = parsed(b"id,x\n1,\xff\n", "csv")[0]
    assert isinstance(bad, Bad)
    assert bad.reason == "is no UTF-8 (byte 3)"


def test_a_quote_that_is_never_closed_is_told_where_it_begins() -> None:
    (bad,) = _csv('id,x\n1,"open\n2,y\n', "id")
    assert isinstance(bad, Bad)
    assert (bad.line, bad.reason) == (2, "has a quoted field that is not closed")


def test_a_quote_that_is_never_closed_swallows_no_more_than_a_megabyte() -> None:
    rows = "".join(f"{n},{'x' * 1000}\n" for n in range(3000))
    found = _csv(f'id,x\n0,"open\n{rows}', "id")
    assert [type(each) for each in found[:2]] == [Bad, Item]
    assert 1900 < len(found) < 2000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,x,id\n1,2,3", "'id' more than once"),
        ("ID,x\n1,2", "--key-field 'id': the CSV's header has no such column, but 'ID', 'x'"),
        ('"id\n1,2', "the CSV's header has a quoted field that is not closed"),
    ],
)
def test_a_header_of_no_use_stops_at_once(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        _csv(text, "id")


def test_where_to_go_on_is_the_start_of_a_row_that_is_not_complete() -> None:
    parser = parser_of("csv", Wanted())
    assert len(list(parser.parse([b"id,x", b"1,a", b'2,"b', b"c"]))) == 1
    assert parser.unread == 3


def test_an_overlong_line_within_a_row_ends_it() -> None:
    parser = parser_of("csv", Wanted())
    found = list(parser.parse([b"id,x", b'1,"b', Overlong(9, 10**8), b"2,c"]))
    assert [type(each) for each in found] == [Bad, Bad, Item]
    assert [bad.line for bad in found[:2] if isinstance(bad, Bad)] == [2, 3]
