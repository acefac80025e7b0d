"""Tables for people: numbers to the right, words below each other, no frame."""

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

_PIPE_WIDTH = 200  # nothing is folded for a file or for grep

Cell = str | int | None


def console() -> Console:
    """On standard output, as wide as the terminal."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)


def printable(text: str) -> str:
    """Text from outside (a record, a client's name), without what a terminal would obey.

    >>> printable("a\\x1b[2Jb")
    'a\\\\x1b[2Jb'
    """
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Table:
    """Numbers are grouped and stay whole; ``None`` is a dash.

    A name that begins with ``<`` is of a column of words, which may be folded.
    """
    made = Table(box=None, pad_edge=False, header_style="dim")
    for name in columns:
        words = name.startswith("<")
        made.add_column(
            name.lstrip("<"),
            justify="left" if words else "right",
            overflow="fold",
            no_wrap=not words,
        )
    for row in rows:
        made.add_row(*map(_cell, row))
    return made


def _cell(value: Cell) -> Text:
    if value is None:
        return Text("\N{EN DASH}", style="dim")
    return Text(f"{value:,}" if isinstance(value, int) else printable(value))
