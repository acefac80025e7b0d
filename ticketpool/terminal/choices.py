"""What the person before ``top`` has chosen, and what a key makes of it. Pure."""

from collections.abc import Sequence

import msgspec

from ticketpool.core.model import Partition
from ticketpool.terminal.answers import Row
from ticketpool.terminal.columns import Column, ordered
from ticketpool.terminal.findings import WELL, urgency

Cursor = tuple[str, Partition]
"""A source and a partition of it."""

PANES = {"d": "partition", "w": "workers", "e": "events", "h": "keys"}
"""The lower half of the screen, by key."""
_MOVES = {"up": -1, "k": -1, "down": 1, "j": 1}


class Choices(msgspec.Struct, frozen=True):
    """Attributes:
    sort: key of a column.
    backwards: the other way round.
    filter: only rows in which each of its words stands somewhere.
    typing: keys go into the filter.
    ill_only: only what is not ok.
    pane: what the lower half shows; empty: nothing.
    cursor: the row that was chosen; ``None``: the first, whichever that is.
    frozen: the figures stand still.
    over: leave.
    """

    sort: str = "state"
    backwards: bool = False
    filter: str = ""
    typing: bool = False
    ill_only: bool = False
    pane: str = "partition"
    cursor: Cursor | None = None
    frozen: bool = False
    over: bool = False


def cursor_of(row: Row) -> Cursor:
    """What names this row."""
    return row.source, row.place


def shown(rows: Sequence[Row], columns: Sequence[Column], choices: Choices) -> list[Row]:
    """The rows that were asked for, in the order that was asked for."""
    wanted = choices.filter.lower().split()
    kept = [
        row
        for row in rows
        if (not choices.ill_only or urgency(row.state) < WELL)
        and all(word in _haystack(row) for word in wanted)
    ]
    return ordered(kept, columns, choices.sort, choices.backwards)


def _haystack(row: Row) -> str:
    worker = "" if row.partition.worker is None else f"worker:{row.partition.worker}"
    return f"{row.group} {row.place} {row.state} {row.source} {worker} {row.member}".lower()


def index_of(rows: Sequence[Row], choices: Choices) -> int:
    """Where the chosen row is; 0 when it is not there (any more)."""
    places = (at for at, row in enumerate(rows) if cursor_of(row) == choices.cursor)
    return next(places, 0)


def press(
    choices: Choices, key: str, rows: Sequence[Row], columns: Sequence[Column], page: int
) -> Choices:
    """What is chosen after a key.

    Args:
        key: as ``keys.Keys`` names it.
        rows: those that are shown.
        page: how many of them there is room for.
    """
    if choices.typing:
        return _type(choices, key)
    if key in PANES:
        pane = "" if choices.pane == PANES[key] else PANES[key]
        return msgspec.structs.replace(choices, pane=pane)
    changes = _change(choices, key, [column.key for column in columns])
    if changes is not None:
        return msgspec.structs.replace(choices, **changes)
    return _move(choices, key, rows, page)


def _type(choices: Choices, key: str) -> Choices:
    replace = msgspec.structs.replace
    match key:
        case "enter":
            return replace(choices, typing=False)
        case "escape":
            return replace(choices, typing=False, filter="")
        case "backspace":
            return replace(choices, filter=choices.filter[:-1], typing=bool(choices.filter))
        case _ if len(key) == 1:
            return replace(choices, filter=choices.filter + key, cursor=None)
    return choices


def _change(choices: Choices, key: str, sorts: list[str]) -> dict[str, object] | None:
    """The fields that a key changes; ``None``: it is no such key."""
    match key:
        case "q":
            return {"over": True}
        case "/":
            return {"typing": True}
        case "escape":
            return {"filter": "", "ill_only": False, "cursor": None}
        case "s" | "S":
            step = 1 if key == "s" else -1
            at = sorts.index(choices.sort) if choices.sort in sorts else -1
            return {"sort": sorts[(at + step) % len(sorts)], "backwards": False, "cursor": None}
        case "r":
            return {"backwards": not choices.backwards, "cursor": None}
        case "n":
            return {"ill_only": not choices.ill_only, "cursor": None}
        case " ":
            return {"frozen": not choices.frozen}
    return None


def _move(choices: Choices, key: str, rows: Sequence[Row], page: int) -> Choices:
    """The cursor moved; at the first row it stays there, whichever that will be."""
    moves = _MOVES | {"pageup": -page, "pagedown": page, "home": -len(rows), "end": len(rows)}
    if key not in moves or not rows:
        return choices
    at = min(max(index_of(rows, choices) + moves[key], 0), len(rows) - 1)
    return msgspec.structs.replace(choices, cursor=cursor_of(rows[at]) if at else None)
