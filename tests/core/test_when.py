"""Points in time are told as people tell them: a date, or how long ago."""

import pytest

from ticketpool.core.when import moment

NOW = 1_709_208_000_000  # 2024-02-29T12:00:00Z


@pytest.mark.parametrize(
    ("text", "millis"),
    [
        ("90s", NOW - 90_000),
        ("1.5h", NOW - 5_400_000),
        (" 3d ", NOW - 3 * 86_400_000),
        ("2w", NOW - 14 * 86_400_000),
        ("2024-02-29T12:00:00Z", NOW),
        ("2024-02-29T13:00:00.5+01:00", NOW + 500),
        ("2024-02-29 12:00", NOW),
        ("2024-02-29", NOW - 43_200_000),
    ],
)
def test_a_time(text: str, millis: int) -> None:
    assert moment(text, NOW) == millis


@pytest.mark.parametrize("text", ["", "2", "h", "-2h", "yesterday", "2024-02-30"])
def test_no_time_is_told_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="write 2024-02-29T12:00:00Z, or how long ago"):
        moment(text, NOW)
