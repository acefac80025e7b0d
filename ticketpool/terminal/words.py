"""Figures as words for a terminal. Pure."""

import textwrap
from collections.abc import Sequence
from datetime import datetime

NONE = "–"  # noqa: RUF001  an en dash: no value
_BARS = " ▁▂▃▄▅▆▇█"
_THOUSANDS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def clean(text: str) -> str:
    """Text from outside without what a terminal would obey: each control character and
    each line break is a space.

    >>> clean("no \\x1b[31mred")
    'no  [31mred'
    """
    return "".join(one if one.isprintable() else " " for one in text)


def wrapped(text: str, width: int, most: int) -> list[str]:
    """A sentence in lines of ``width``, at most so many; what is left over is an ellipsis.

    >>> wrapped("one two three", 7, 2)
    ['one two', 'three']
    """
    return textwrap.wrap(clean(text), max(width, 8), max_lines=most, placeholder=" …")


def number(value: float | None) -> str:
    """A count, with commas; a dash for none."""
    return NONE if value is None else f"{value:,.0f}"


def brief(value: float | None, width: int) -> str:
    """A count that must fit into ``width`` columns (5 at least), rounded when it has to be.

    >>> brief(1234, 7), brief(12345678, 7)
    ('1,234', '12.3M')
    """
    full = number(value)
    if value is None or len(full) <= width:
        return full
    unit, letter = next(pair for pair in _THOUSANDS if value >= pair[0])
    scaled = value / unit
    return f"{scaled:.1f}{letter}" if scaled < 100 else f"{scaled:.0f}{letter}"


def per_second(value: float | None) -> str:
    """A rate: one digit behind the point below ten."""
    if value is None:
        return NONE
    return f"{value:.1f}" if 0 < value < 9.95 else f"{value:,.0f}"


def span(seconds: float | None) -> str:
    """A time that has passed, in at most six columns up to some years.

    >>> span(0.42), span(75), span(600), span(9000), span(200000)
    ('0.4 s', '75 s', '10 min', '2.5 h', '2.3 d')
    """
    if seconds is None:
        return NONE
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    if seconds < 99.5 * 60:
        return f"{seconds / 60:.0f} min"
    count, unit = (seconds / 3600, "h") if seconds < 2 * 86400 else (seconds / 86400, "d")
    return f"{count:.1f} {unit}" if count < 99.5 else f"{count:.0f} {unit}"


def milliseconds(value: float | None) -> str:
    """A latency, in at most eight columns."""
    if value is None:
        return NONE
    if value < 100:
        return f"{value:.1f} ms"
    return f"{value:.0f} ms" if value < 1000 else span(value / 1000)


def bound(seconds: float | None) -> str:
    """The bound of a histogram's bucket.

    >>> bound(0.00025), bound(0.01), bound(2.5), bound(None)
    ('0.25 ms', '10 ms', '2.5 s', '∞')
    """
    if seconds is None:
        return "∞"
    return f"{seconds * 1000:g} ms" if seconds < 1 else f"{seconds:g} s"


def size(count: int | None) -> str:
    """Bytes as MB; a dash for none."""
    return NONE if count is None else f"{count / 1e6:,.0f} MB"


def clock(at: float) -> str:
    """The time of day, here."""
    return datetime.fromtimestamp(at).strftime("%H:%M:%S")


def plural(count: int, word: str) -> str:
    """The count and its word.

    >>> plural(1, "worker"), plural(2, "worker")
    ('1 worker', '2 workers')
    """
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def sparkline(values: Sequence[float], top: float | None = None) -> str:
    """Values as a row of bars, ``top`` (or the largest) the highest; a space is none.

    >>> sparkline([0, 1, 4, 8], 8)
    ' ▁▄█'
    """
    highest = max(values, default=0) if top is None else top
    if highest <= 0:
        return " " * len(values)
    return "".join(_BARS[_steps(value, highest)] for value in values)


def _steps(value: float, top: float) -> int:
    """Eighths of ``top``, rounded up: what is there is seen."""
    return min(len(_BARS) - 1, -int(-value * (len(_BARS) - 1) // top)) if value > 0 else 0
