"""The columns of the table of partitions: what stands in them, how wide, how they sort. Pure."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rich.cells import cell_len, set_cell_size

from ticketpool.terminal import words
from ticketpool.terminal.answers import Row
from ticketpool.terminal.findings import WELL, urgency

GAP = 2
STYLES = {"ok": "green", "warn": "yellow", "paused": "cyan", "unknown": "dim"}
_MARKS = {"ok": "●", "warn": "▲", "paused": "‖", "unknown": "?"}
_WIDEST_PLACE = 40


class Cell(NamedTuple):
    """A text and its style."""

    text: str
    style: str = ""


class Column(NamedTuple):
    """A column.

    Attributes:
        key: names it, for sorting and at its head.
        width: in columns of the terminal; 0: as wide as its widest.
        rank: where there is no room, the highest is left out first.
        cell: what stands in it.
        order: sorts the rows, the most remarkable first.
        left: set to the left.
    """

    key: str
    width: int
    rank: int
    cell: Callable[[Row], Cell]
    order: Callable[[Row], Any]
    left: bool = False


def state_style(state: str) -> str:
    """The style of a state; a state of a later version is shown like the bad ones."""
    return STYLES.get(state, "bold red")


def _state(row: Row) -> Cell:
    return Cell(f"{_MARKS.get(row.state, '✗')} {row.state}", state_style(row.state))


def _since(row: Row) -> Cell:
    if row.state in ("ok", "unknown"):
        return Cell("")
    return Cell(words.span(row.partition.state_seconds), state_style(row.state))


def _behind(row: Row) -> Cell:
    seconds = row.partition.time_lag_seconds
    return Cell(words.span(seconds) if seconds != 0 else "0")


def _alert(count: int, width: int, style: str) -> Cell:
    return Cell(words.brief(count, width), style if count else "dim")


def _worker(row: Row) -> Cell:
    slot = row.partition.worker
    return Cell(words.NONE, "red") if slot is None else Cell(str(slot))


def _high(value: float | None) -> float:
    """Sorts the highest first and what is unknown last."""
    return 1.0 if value is None else -value


def _by_urgency(row: Row) -> tuple[int, int]:
    """Of those that are ok, none is before another for its lag: they would dance."""
    degree = urgency(row.state)
    return degree, -(row.partition.lag or 0) if degree < WELL else 0


_PLACE = Column(
    "partition", 0, 0, lambda row: Cell(words.clean(str(row.place))), lambda row: row.place, True
)
_STATE = Column("state", 9, 1, _state, _by_urgency, True)
_LAG = Column(
    "lag", 7, 2,
    lambda row: Cell(words.brief(row.partition.lag, 7)), lambda row: _high(row.partition.lag),
)  # fmt: skip
_RATE = Column(
    "rate/s", 7, 4,
    lambda row: Cell(words.brief(row.partition.rate_per_s, 7)
                     if row.partition.rate_per_s >= 10 else
                     words.per_second(row.partition.rate_per_s)),
    lambda row: -row.partition.rate_per_s,
)  # fmt: skip
_COMMITTED = Column(
    "committed", 11, 6,
    lambda row: Cell(words.brief(row.partition.committed, 11)),
    lambda row: _high(row.partition.committed),
)  # fmt: skip

SUPERVISORS = (
    _PLACE,
    _STATE,
    Column("for", 6, 3, _since, lambda row: -row.partition.state_seconds),
    _LAG,
    Column("behind", 6, 3, _behind, lambda row: _high(row.partition.time_lag_seconds)),
    _RATE,
    Column("p50", 8, 9, lambda row: Cell(words.milliseconds(row.partition.latency_ms.p50)),
           lambda row: _high(row.partition.latency_ms.p50)),
    Column("p99", 8, 7, lambda row: Cell(words.milliseconds(row.partition.latency_ms.p99)),
           lambda row: _high(row.partition.latency_ms.p99)),
    Column("running", 11, 8, lambda row: Cell(words.brief(row.partition.in_flight_offset, 11)),
           lambda row: _high(row.partition.in_flight_offset)),
    Column("age", 6, 6, lambda row: Cell(words.span(row.partition.in_flight_age_seconds)
                                         if row.partition.in_flight_offset is not None else ""),
           lambda row: _high(row.partition.in_flight_age_seconds)),
    Column("worker", 6, 5, _worker, lambda row: (row.partition.worker is not None,
                                                 row.source, row.partition.worker or 0)),
    Column("retried", 7, 11, lambda row: _alert(row.partition.retried, 7, "yellow"),
           lambda row: -row.partition.retried),
    Column("dead", 5, 10, lambda row: _alert(row.partition.dead_lettered, 5, "red"),
           lambda row: -row.partition.dead_lettered),
    Column("in flight", 9, 12, lambda row: Cell(words.brief(row.partition.in_flight, 9)),
           lambda row: -row.partition.in_flight),
    Column("buffered", 8, 13, lambda row: Cell(words.brief(row.partition.buffered, 8)),
           lambda row: -row.partition.buffered),
    _COMMITTED._replace(rank=14),
    Column("processed", 13, 15, lambda row: Cell(words.brief(row.partition.processed, 13)),
           lambda row: -row.partition.processed),
)  # fmt: skip

BROKER_ONLY = (
    _PLACE,
    _STATE,
    Column("for", 6, 3, _since, lambda row: -row.partition.state_seconds),
    _LAG,
    _RATE,
    _COMMITTED,
    Column("log end", 11, 7, lambda row: Cell(words.brief(row.partition.high_watermark, 11)),
           lambda row: _high(row.partition.high_watermark)),
    Column("member", 24, 8, lambda row: Cell(words.clean(row.member) or words.NONE),
           lambda row: row.member, True),
)  # fmt: skip


def _at(labels: dict[str, str]) -> Column:
    width = max(map(cell_len, labels.values()))
    return Column(
        "at", width, 2, lambda row: Cell(labels[row.source]), lambda row: row.source, True
    )


def _group(rows: Sequence[Row]) -> Column:
    width = min(max((cell_len(row.group) for row in rows), default=5), 24)
    return Column(
        "group", width, 2, lambda row: Cell(words.clean(row.group)), lambda row: row.group, True
    )


def choose(
    columns: Sequence[Column], rows: Sequence[Row], labels: dict[str, str], width: int
) -> list[Column]:
    """The columns that fit into ``width``, in their order, those of fixed width given theirs.

    Args:
        labels: short names of the sources; with several there is a column for them.
    """
    place, *others = columns
    widest = max((cell_len(place.cell(row).text) for row in rows), default=0)
    fitting = [place._replace(width=min(max(widest, len(place.key)), _WIDEST_PLACE))]
    fitting += [_at(labels)] if len(labels) > 1 else []
    fitting += [_group(rows)] if len({row.group for row in rows}) > 1 else []
    fitting += others
    while len(fitting) > 1 and _width(fitting) > width:
        fitting.remove(max(fitting, key=lambda column: column.rank))
    if _width(fitting) > width:
        fitting[0] = fitting[0]._replace(width=width)
    return fitting


def _width(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)


def fit(text: str, width: int, left: bool) -> str:
    """Text padded or cut to exactly ``width`` columns; what is cut ends with an ellipsis, and
    of a partition's name the number stays."""
    if cell_len(text) > width:
        head, bracket, tail = text.rpartition("[")
        kept = bracket + tail if head and text.endswith("]") and len(tail) + 2 < width else ""
        return set_cell_size(text, width - len(kept) - 1) + "…" + kept
    return (
        text + " " * (width - cell_len(text))
        if left
        else text.rjust(width - cell_len(text) + len(text))
    )


def ordered(rows: Sequence[Row], columns: Sequence[Column], key: str, reverse: bool) -> list[Row]:
    """The rows in the order of a column; by state, the larger lag goes first. Ties stay."""
    column = next((column for column in columns if column.key == key), columns[0])
    return sorted(rows, key=column.order, reverse=reverse)
