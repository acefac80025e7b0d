"""Figures as words: short enough for their columns, whatever they are.

In doubt because a number that grows by a digit moves everything behind it.
"""

import pytest
from rich.cells import cell_len

from ticketpool.terminal import words
from ticketpool.terminal.columns import fit

TIMES = [0.0, 0.04, 9.94, 9.96, 119.4, 119.6, 599, 5999, 6001, 86_400, 172_799, 172_801, 9e7, 8e8]


@pytest.mark.parametrize("seconds", TIMES)
def test_a_time_has_six_columns(seconds: float) -> None:
    assert len(words.span(seconds)) <= 6


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (None, words.NONE), (0.42, "0.4 s"), (9.96, "10 s"), (75, "75 s"), (600, "10 min"),
        (3725, "62 min"), (9000, "2.5 h"), (200_000, "2.3 d"),
    ],
)  # fmt: skip
def test_a_time_in_words(seconds: float | None, told: str) -> None:
    assert words.span(seconds) == told


@pytest.mark.parametrize("count", [0, 7, 9_999_999, 10_000_000, 999_999_999, 10**12, 10**14])
def test_a_count_has_seven_columns(count: int) -> None:
    assert len(words.brief(count, 7)) <= 7


def test_a_count_that_fits_is_exact() -> None:
    assert words.brief(1_234, 7) == "1,234"
    assert words.brief(12_345_678, 7) == "12.3M"
    assert words.brief(None, 7) == words.NONE


@pytest.mark.parametrize("millis", [0.001, 9.99, 99.96, 9_999.4, 9_999.6, 86_400_000.0])
def test_a_latency_has_eight_columns(millis: float) -> None:
    assert len(words.milliseconds(millis)) <= 8


def test_a_rate_below_ten_has_a_digit_behind_the_point() -> None:
    assert [words.per_second(rate) for rate in (None, 0.0, 0.25, 9.96, 1234.5)] == [
        words.NONE, "0", "0.2", "10", "1,234",
    ]  # fmt: skip


def test_what_is_there_is_seen_in_a_sparkline() -> None:
    assert words.sparkline([0, 1, 4, 8], 8) == " ▁▄█"
    assert words.sparkline([0.0001, 1000.0]) == "▁█"
    assert words.sparkline([0.0, 0.0]) == "  "
    assert words.sparkline([20.0], 8) == "█"


@pytest.mark.parametrize("text", ["tickets[3]", "a-very-long-name-of-a-topic[1023]", "票務系統[7]"])
@pytest.mark.parametrize("width", [4, 10, 12, 30])
@pytest.mark.parametrize("left", [True, False])
def test_a_cell_has_its_width_to_the_column(text: str, width: int, left: bool) -> None:
    assert cell_len(fit(text, width, left)) == width


def test_of_a_long_name_the_number_stays() -> None:
    assert fit("a-very-long-name-of-a-topic[1023]", 14, True) == "a-very-…[1023]"


def test_control_characters_become_spaces() -> None:
    assert words.clean("a\x1b[31m\nb\u202ec\x07") == "a [31m b c "
