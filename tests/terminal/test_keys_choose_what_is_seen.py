"""Keys, from bytes to what is chosen.

In doubt because a terminal sends sequences that may come in pieces, and a lone escape begins
like all of them.
"""

import pytest

from tests.terminal import worlds
from ticketpool.terminal.answers import Answer, Row, View
from ticketpool.terminal.choices import Choices, index_of, press, shown
from ticketpool.terminal.columns import SUPERVISORS
from ticketpool.terminal.keys import Keys

START = Choices()
ROWS = View((Answer(source="a:1", status=worlds.ill()),)).rows()


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"q", ["q"]),
        (b"jk/", ["j", "k", "/"]),
        (b"\x1b[A\x1b[B\x1bOA\x1b[5~\x1b[6~", ["up", "down", "up", "pageup", "pagedown"]),
        (b"\x1b[H\x1b[4~\r\x7f\x0c", ["home", "end", "enter", "backspace", "redraw"]),
        (b"\x1b[15~\x1b[<0;1;1Mx", ["x"]),
        ("ü€x".encode(), ["ü", "€", "x"]),
        (b"\x80\xffx\x01", ["�", "�", "x"]),
        (b"\x1bq", ["escape", "q"]),
    ],
)
def test_bytes_are_keys(data: bytes, keys: list[str]) -> None:
    assert Keys().feed(data) == keys
    one_by_one = Keys()
    assert [key for byte in data for key in one_by_one.feed(bytes([byte]))] == keys


def test_a_lone_escape_is_one_when_nothing_follows() -> None:
    keys = Keys()
    assert keys.feed(b"\x1b") == []
    assert keys.waits()
    assert keys.end() == ["escape"]
    assert not keys.waits()
    assert keys.end() == []


def after(*keys: str, page: int = 5, choices: Choices = START) -> Choices:
    for key in keys:
        choices = press(choices, key, seen(choices), SUPERVISORS, page)
    return choices


def seen(choices: Choices) -> list[Row]:
    return shown(ROWS, SUPERVISORS, choices)


def numbers(*keys: str) -> list[int]:
    return [row.place.number for row in seen(after(*keys))]


def test_the_worst_is_first_then_all_in_order() -> None:
    assert numbers() == [3, 5, 1, 0, 2, 4, 6, 7]


def test_s_sorts_by_the_next_column_and_r_the_other_way_round() -> None:
    assert after("s", "s").sort == "lag"
    assert numbers("s", "s") == [5, 3, 1, 0, 2, 4, 6, 7]
    assert numbers("s", "s", "r")[-1] == 5
    assert after("S").sort == "partition"
    assert numbers("S") == list(range(8))
    assert after("S", "S").sort == SUPERVISORS[-1].key
    assert after("S", "S", "s").sort == "partition"


def test_every_column_sorts_whatever_is_unknown() -> None:
    odd = worlds.partition(
        0, lag=None, worker=None, time_lag_seconds=None, in_flight_offset=None, committed=None,
        in_flight_age_seconds=None, high_watermark=None,
    )  # fmt: skip
    rows = View((Answer(source="a:1", status=worlds.pool(odd, worlds.partition(1))),)).rows()
    for column in SUPERVISORS:
        assert len(shown(rows, SUPERVISORS, Choices(sort=column.key))) == 2
    by_lag = shown(rows, SUPERVISORS, Choices(sort="lag"))
    assert [row.place.number for row in by_lag] == [1, 0]


def test_the_filter_takes_what_is_typed_until_enter() -> None:
    typed = after("/", "q", "backspace", "b", "l", "o", "enter")
    assert (typed.filter, typed.typing, typed.over) == ("blo", False, False)
    assert [row.place.number for row in seen(typed)] == [3]
    assert [row.place.number for row in seen(after("escape", choices=typed))] == numbers()


@pytest.mark.parametrize(
    ("words", "found"),
    [("tickets[5]", [5]), ("worker:1", [5, 1]), ("STALL", [5]), ("a:1 warn", [1]), ("none", [])],
)
def test_each_word_of_the_filter_stands_somewhere(words: str, found: list[int]) -> None:
    assert numbers("/", *words, "enter") == found


def test_escape_drops_what_was_typed() -> None:
    assert after("/", "x", "escape") == Choices()
    assert after("/", "backspace") == Choices()


def test_n_shows_what_is_not_ok_only() -> None:
    assert numbers("n") == [3, 5, 1]
    assert len(numbers("n", "n")) == 8


def test_the_cursor_stays_with_its_partition() -> None:
    chosen = after("down", "down")
    assert index_of(seen(chosen), chosen) == 2
    by_lag = Choices(sort="partition", cursor=chosen.cursor)
    assert seen(by_lag)[index_of(seen(by_lag), by_lag)].place.number == 1


def test_the_cursor_stays_on_the_table() -> None:
    assert after("up", "up").cursor is None
    last = after("pagedown", "pagedown", "pagedown")
    assert index_of(seen(last), last) == 7
    assert after("home", choices=last).cursor is None
    assert index_of(seen(after("end")), after("end")) == 7
    gone = Choices(cursor=("elsewhere", ROWS[0].place))
    assert index_of(ROWS, gone) == 0
    assert press(Choices(), "down", [], SUPERVISORS, 5) == Choices()


def test_panes_open_and_close() -> None:
    assert after("w").pane == "workers"
    assert after("w", "w").pane == ""
    assert after("w", "w", "d").pane == "partition"
    assert after("e", "h").pane == "keys"


def test_the_rest_of_the_keys() -> None:
    assert after("q").over
    assert after(" ").frozen and not after(" ", " ").frozen
    assert after("?", "up", "enter", "backspace", "redraw") == Choices()
