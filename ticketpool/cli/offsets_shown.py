"""Offsets for people, as tables, and for programs."""

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any, TypeVar

from rich.markup import escape

from ticketpool.cli.tables import console, printable, table
from ticketpool.core.model import Partition
from ticketpool.core.reset import Move
from ticketpool.core.trouble import in_words
from ticketpool.offsets.look import Look, Row
from ticketpool.offsets.resetting import Done, Plan
from ticketpool.terminal.words import plural

T = TypeVar("T", Row, Move)


def _by_topic(rows: Iterable[T]) -> Iterable[tuple[str, list[T]]]:
    topic_of: Callable[[T], str] = lambda row: row.partition.topic  # noqa: E731 - for its type
    return ((topic, list(some)) for topic, some in groupby(rows, topic_of))


def look(found: Look) -> None:
    """Print the group and a table for each topic."""
    out, group = console(), found.group
    members = plural(len(group.members), "member")
    out.print(f"group [bold]{escape(group.name)}[/]: {group.state}, {group.protocol}, {members}")
    for member in group.members:
        out.print(f"  {escape(printable(str(member)))}")
    for topic, rows in _by_topic(found.rows):
        out.print(f"\n[bold]{escape(topic)}[/]")
        columns = "partition", "committed", "start", "end", "lag", "<memo"
        out.print(table(columns, map(_look_row, rows)))
    known = [row.lag for row in found.rows if row.lag is not None]
    out.print()
    out.print(f"lag in all: {plural(sum(known), 'record')}")


def _look_row(row: Row) -> tuple[str | int | None, ...]:
    start, end = row.extent or (None, None)
    if row.committed is None:
        return row.partition.number, None, start, end, None, "nothing committed"
    words = in_words(row.committed.memo)
    if row.extent is None:
        words = "no such partition any more"
    elif row.committed.offset < row.extent.start:
        words = _joined("committed offset is deleted", words)
    elif row.committed.offset > row.extent.end:
        words = _joined("committed offset is beyond the log's end", words)
    return row.partition.number, row.committed.offset, start, end, row.lag, words


def _joined(*words: str) -> str:
    return "; ".join(filter(None, words))


def look_as_json(found: Look) -> dict[str, Any]:
    """The same as one object."""
    return {
        "ok": True,
        "group": found.group.name,
        "state": found.group.state,
        "protocol": found.group.protocol,
        "members": found.group.members,
        "lag": sum(row.lag or 0 for row in found.rows),
        "partitions": [
            {
                **_where(row.partition),
                "committed": None if row.committed is None else row.committed.offset,
                "start": None if row.extent is None else row.extent.start,
                "end": None if row.extent is None else row.extent.end,
                "lag": row.lag,
                "memo": None if row.committed is None else row.committed.memo,
            }
            for row in found.rows
        ],
    }


def plan(wanted: Plan) -> None:
    """Print the preview."""
    out = console()
    out.print(f"group [bold]{escape(wanted.group)}[/]: to be moved")
    for topic, moves in _by_topic(wanted.moves):
        out.print(f"\n[bold]{escape(topic)}[/]")
        columns = "partition", "from", "to", "skipped", "repeated", "<note"
        out.print(table(columns, map(_plan_row, moves)))
    skipped = sum(one.skipped for one in wanted.moves)
    repeated = sum(one.repeated for one in wanted.moves)
    out.print()
    out.print(f"at most {plural(skipped, 'record')} skipped, {repeated:,} repeated")


def _plan_row(one: Move) -> tuple[str | int | None, ...]:
    notes = one.notes if one.changes else ("stays", *one.notes)
    known = one.before is not None
    return (
        one.partition.number,
        one.before,
        one.after,
        one.skipped if known else None,
        one.repeated if known else None,
        "; ".join(notes),
    )


def done(wanted: Plan, outcome: Done | None) -> None:
    """Print what the broker shows now; ``None``: nothing was to be done."""
    out = console()
    if outcome is None:
        out.print("nothing to do: every partition is there already")
        return
    for topic, moves in _by_topic(wanted.changing):
        rows = ((one.partition.number, *_now(one.partition, outcome)) for one in moves)
        out.print(f"\n[bold]{escape(topic)}[/] as the broker shows it now")
        out.print(table(("partition", "committed"), rows))
    if outcome.ok:
        out.print(f"[bold green]✓[/] {plural(len(wanted.changing), 'partition')} moved")


def _now(partition: Partition, outcome: Done) -> tuple[int | None]:
    position = outcome.committed.get(partition)
    return (None if position is None else position.offset,)


def plan_as_json(wanted: Plan, outcome: Done | None) -> dict[str, Any]:
    """The plan, and what came of it if it was carried out."""
    return {
        "ok": not wanted.changing if outcome is None else outcome.ok,
        "group": wanted.group,
        "applied": outcome is not None,
        "partitions": [
            {
                **_where(one.partition),
                "from": one.before,
                "to": one.after,
                "start": one.extent.start,
                "end": one.extent.end,
                "skipped": one.skipped,
                "repeated": one.repeated,
                "notes": one.notes,
                "committed": one.before if outcome is None else _now(one.partition, outcome)[0],
                "refused": _refused(one.partition, outcome),
            }
            for one in wanted.moves
        ],
    }


def _refused(partition: Partition, outcome: Done | None) -> str | None:
    error = None if outcome is None else outcome.refused.get(partition)
    return None if error is None else str(error)


def _where(partition: Partition) -> dict[str, Any]:
    return {"topic": partition.topic, "partition": partition.number}
