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


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Table:
    """Numbers are grouped; ``None`` is a dash. Words of the last column, and of the first, may
    be folded.

    A name that begins with ``<`` is of a column of words.
    """
    made = Table(box=None, pad_edge=False, header_style="dim")
    for name in columns:
        words = name.startswith("<")
        outer = name in (columns[0], columns[-1])
        made.add_column(
            name.lstrip("<"),
            justify="left" if words else "right",
            overflow="fold",
            no_wrap=not (words and outer),
        )
    for row in rows:
        made.add_row(*map(_cell, row))
    return made


def _cell(value: Cell) -> Text:
    if value is None:
        return Text("\N{EN DASH}", style="dim")
    return Text(f"{value:,}" if isinstance(value, int) else value)
