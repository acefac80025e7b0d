"""Points in time as people write them: RFC 3339, or how long ago."""

import re
from datetime import UTC, datetime

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AGO = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)([smhdw])")


def moment(text: str, now_ms: int) -> int:
    """Milliseconds since 1970 of a time, or of so long before ``now_ms``.

    A time without an offset is UTC.

    >>> moment("2h", 10_000_000)
    2800000
    >>> moment("1970-01-01T00:00:01+00:00", 0)
    1000

    Raises:
        ValueError: neither a time nor a duration; it says how to write one.
    """
    if ago := _AGO.fullmatch(text.strip()):
        return now_ms - int(float(ago[1]) * _SECONDS[ago[2]] * 1000)
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(
            f"{text!r} is no time: write 2024-02-29T12:00:00Z, or how long ago: 90s, 15m, 2h, 3d"
        ) from None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return round(when.timestamp() * 1000)
