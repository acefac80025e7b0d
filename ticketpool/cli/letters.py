"""Dead letters for people: tables, single letters, what a replay has done."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ticketpool.cli.tables import printable
from ticketpool.core.letter import Letter
from ticketpool.dlq.lines import rfc3339
from ticketpool.terminal.words import plural

if TYPE_CHECKING:
    from ticketpool.dlq.order import Outcome
    from ticketpool.dlq.scan import Found, Marks

_MOST_SHOWN = 64 << 10  # bytes of a payload
_REASONS = 8
_GAP, _LEAST_REASON = 2, 24  # columns between two of the table, and of its last one


def shown(data: bytes | None) -> str:
    """A key or a header: text, or hex where it is none.

    >>> shown(b"key-1"), shown(b"\\xff\\x00"), shown(None)
    ('key-1', '0xff00', '-')
    """
    if data is None:
        return "-"
    try:
        return printable(data.decode())
    except UnicodeDecodeError:
        return f"0x{data.hex()}"


def origin(letter: Letter) -> str:
    """Where it came from."""
    if letter.origin_topic is None:
        return "unknown"
    number, offset = letter.origin_partition, letter.origin_offset
    return printable(
        f"{letter.origin_topic}[{'?' if number is None else number}] "
        f"{'?' if offset is None else offset}"
    )


# -- dlq list -----------------------------------------------------------------------------


def table(found: "Found", marks: "Marks", topics: Sequence[str], width: int) -> Table:
    """The letters, one a line; where it is narrow, reasons are cut."""
    rows = [_row(letter, marks, several=len(topics) > 1) for letter in found.letters]
    made = Table(title=escape(", ".join(topics)), title_justify="left", box=None, pad_edge=False)
    heads, left = ("letter", "written", "from", "key", "calls", "replays"), width
    for name, *cells in zip(heads, *rows, strict=True):
        made.add_column(name, no_wrap=True, justify="right" if name == "calls" else "left")
        left -= _GAP + max(cell_len(Text.from_markup(cell).plain) for cell in (name, *cells))
    made.add_column("reason", no_wrap=True, max_width=max(left, _LEAST_REASON))
    for letter, row in zip(found.letters, rows, strict=True):
        made.add_row(*row, escape(" ".join(printable(letter.reason).split())))
    return made


def _row(letter: Letter, marks: "Marks", *, several: bool) -> tuple[str, ...]:
    place = f"{letter.partition}:{letter.offset}"
    return (
        escape(f"{letter.topic} {place}") if several else place,
        rfc3339(letter.written_ms)[:19],
        escape(origin(letter)),
        escape(shown(letter.key)),
        "-" if letter.attempts is None else str(letter.attempts),
        _replays(letter, marks),
    )


def _replays(letter: Letter, marks: "Marks") -> str:
    count = str(letter.replays) if letter.replays else ""
    return f"{count} [green]✓ replayed[/green]".strip() if marks.has(letter) else count or "-"


def notes(found: "Found", *, oldest: bool) -> Iterator[str]:
    """What stands below the table."""
    if not found.matched:
        yield f"no letter is meant, of {found.read:,} that stand there"
        return
    if len(found.letters) < found.matched:
        which = "oldest" if oldest else "newest"
        yield f"the {which} {len(found.letters):,} of {found.matched:,} (--limit)"
    yield f"{plural(found.matched, 'letter')} by reason: {_counts(found.reasons)}"


def print_notes(screen: Console, lines: Iterable[str]) -> None:
    """Lines below a table."""
    for line in lines:
        screen.print(f"[dim]·[/dim] {escape(printable(line))}")


def _counts(reasons: Mapping[str, int]) -> str:
    first = [f"{printable(name)} {count:,}" for name, count in list(reasons.items())[:_REASONS]]
    rest = sum(list(reasons.values())[_REASONS:])
    return ", ".join([*first, *([f"others {rest:,}"] if rest else [])])


# -- dlq show -----------------------------------------------------------------------------


def show(letter: Letter, replayed: bool, screen: Console) -> None:
    """All of one letter."""
    grid = Table(box=None, show_header=False, pad_edge=False)
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in _facts(letter, replayed):
        grid.add_row(name, escape(text))
    screen.print(grid)
    screen.print()
    screen.print(escape(payload(letter.value)), soft_wrap=True)


def _facts(letter: Letter, replayed: bool) -> Iterator[tuple[str, str]]:
    yield "letter", f"{letter.topic} {letter.partition}:{letter.offset}"
    yield "written", rfc3339(letter.written_ms)
    yield "from", origin(letter)
    if letter.origin_ms is not None:
        yield "produced", rfc3339(letter.origin_ms)
    yield "group", printable(letter.group or "unknown")
    yield "calls", "unknown" if letter.attempts is None else str(letter.attempts)
    yield "error", printable(letter.error or "unknown")
    yield "message", printable(letter.message)
    yield "replays", f"{letter.replays}{', and this letter was replayed' if replayed else ''}"
    if letter.replays and letter.first_offset is not None:
        yield (
            "first",
            f"at offset {letter.first_offset}"
            + (f", of {rfc3339(letter.first_ms)}" if letter.first_ms is not None else ""),
        )
    yield "key", shown(letter.key)
    for name, value in letter.headers:
        yield "header", f"{printable(name)} = {shown(value)}"


def payload(value: bytes | None) -> str:
    """A value for people: JSON with indents, text as it is, else hex; long ones cut."""
    if value is None:
        return "(no value: a tombstone)"
    try:
        text = msgspec.json.format(value, indent=2).decode() if _is_json(value) else value.decode()
    except UnicodeDecodeError:
        text = value[: _MOST_SHOWN // 2].hex(" ")
    cut = f"\n… ({len(value):,} bytes; `dlq export` tells all)" if len(text) > _MOST_SHOWN else ""
    return printable(text[:_MOST_SHOWN]) + cut


def _is_json(value: bytes) -> bool:
    try:
        msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


# -- dlq replay ---------------------------------------------------------------------------


def tell(outcome: "Outcome", screen: Console) -> None:
    """What a replay has done, or would do."""
    would = "would be replayed" if outcome.dry_run else "replayed"
    to = ", ".join(f"{printable(topic)} {count:,}" for topic, count in outcome.to.items())
    mark = "[bold green]✓[/]" if outcome.ok else "[bold yellow]![/]"
    told = escape(f": {to}") if to else ""
    screen.print(f"{mark} {plural(outcome.replayed, 'letter')} {would}{told}")
    print_notes(screen, _notes(outcome))
    for stay in outcome.examples:
        place = f"{stay.topic} {stay.partition}:{stay.offset}"
        screen.print(f"[yellow]![/] {escape(printable(f'{place} stays: {stay.why}'))}")


def _notes(outcome: "Outcome") -> Iterator[str]:
    if outcome.before:
        yield f"{outcome.before:,} were replayed before"
    if outcome.foreign:
        yield f"{outcome.foreign:,} left alone: no letters of ticketpool, nobody knows whose"
    if outcome.others:
        yield f"{outcome.others:,} left alone: letters of other groups (--group)"
    if outcome.stopped:
        left = plural(outcome.left, "letter")
        yield f"stopped with {left} to look at; the same command goes on there"
        for place, offset in outcome.next.items():
            yield f"{place}: the next is offset {offset}"
    if (more := sum(outcome.stayed.values()) - len(outcome.examples)) > 0:
        yield f"{more:,} more stay than are shown here"
