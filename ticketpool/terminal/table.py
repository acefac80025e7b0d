"""The table of partitions, line by line. Pure."""

from collections.abc import Sequence

from rich.text import Text

from ticketpool.terminal import words
from ticketpool.terminal.answers import Row
from ticketpool.terminal.columns import GAP, Column, fit

_SPACE = " " * GAP


def disarm(line: Text) -> None:
    """Let nothing stand in it that a terminal would obey (see ``words.clean``), whoever wrote
    it: names, reasons and events come from outside. Every line goes through here."""
    if not line.plain.isprintable():
        line.plain = words.clean(line.plain)


def head(columns: Sequence[Column], sort: str, backwards: bool) -> Text:
    """The names of the columns; the one that sorts is marked."""
    line = Text()
    for at, column in enumerate(columns):
        by = column.key == sort
        mark = ("▲" if backwards else "▼") if by else ""
        name = f"{column.key}{mark}" if column.left else f"{mark}{column.key}"
        short = name if len(name) <= column.width else column.key[: column.width - 1] + mark
        style = "bold cyan" if by else "bold"
        line.append(_SPACE if at else "").append(fit(short, column.width, column.left), style)
    return line


def row(one: Row, columns: Sequence[Column], chosen: bool) -> Text:
    """A partition; the chosen one is reversed (its state keeps its colour, then behind it), one
    of a lost source dimmed."""
    line = Text(style="reverse" if chosen else "" if one.known else "dim")
    for at, column in enumerate(columns):
        text, style = column.cell(one)
        styled = "" if chosen and column.key != "state" else style
        line.append(_SPACE if at else "").append(fit(text, column.width, column.left), styled)
    return line


def window(count: int, at: int, height: int) -> range:
    """The rows that are seen, so that row ``at`` is among them."""
    start = min(max(at - height // 2, 0), max(count - height, 0))
    return range(start, min(start + height, count))


def body(
    rows: Sequence[Row], columns: Sequence[Column], at: int, height: int, width: int
) -> list[Text]:
    """Up to ``height`` lines; where rows are left out, the last one says how many."""
    seen = window(len(rows), at, height)
    if len(seen) < len(rows) and height > 1:
        seen = window(len(rows), at, height - 1)
    lines = [row(rows[number], columns, number == at) for number in seen]
    for line in lines:
        line.pad_right(max(width - line.cell_len, 0))
    if len(seen) < len(rows) and height > 1:
        lines.append(_left_out(seen, len(rows)))
    return lines


def _left_out(seen: range, count: int) -> Text:
    above, below = seen.start, count - seen.stop
    told = [f"{above:,} above"] if above else []
    told += [f"{below:,} below"] if below else []
    return Text(f"… {', '.join(told)}", "dim")
