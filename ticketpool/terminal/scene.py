"""The whole screen of ``top``: exactly as many lines as there is room for. Pure."""

from collections.abc import Iterator, Sequence
from itertools import islice

from rich.text import Text

from ticketpool.terminal import panes, table, words
from ticketpool.terminal.answers import Row, Totals, View, history, labels, totals
from ticketpool.terminal.choices import Choices, index_of, shown
from ticketpool.terminal.columns import (
    BROKER_ONLY,
    SUPERVISORS,
    Column,
    choose,
    state_style,
)
from ticketpool.terminal.findings import URGENCY, Finding, service_findings

LEAST_WIDTH, LEAST_HEIGHT = 40, 10
_LEAST_ROWS = 5
_MOST_BANNERS = 3
_MOST_SPARK = 60

_KEYS = {
    "q": "quit", "↑↓": "choose", "s": "sort", "r": "reverse", "/": "filter", "n": "not ok",
    "d w e": "below", "h": "keys",
}  # fmt: skip
_LONG = {
    "↑ ↓  j k": "choose a partition; page up, page down, home, end",
    "s  S": "sort by the next column, by the one before it; r: the other way round",
    "/": "filter by words: topic[3], blocked, worker:2, a host; Esc: all again",
    "n": "only partitions that are not ok",
    "d  w  e": "below: the chosen partition, the workers, the events; again: nothing",
    "space": "let the figures stand still; again: go on",
    "q  Ctrl-C": "quit",
}


class Scene:
    """A screen of a view: what to draw, and what a key needs to know of it.

    Attributes:
        columns, rows: as they are shown.
        page: rows that there is room for.
        lines: ``height`` lines of at most ``width`` columns.
    """

    def __init__(self, view: View, choices: Choices, width: int, height: int) -> None:
        self._view, self._choices, self._width = view, choices, width
        every = view.rows()
        columns = BROKER_ONLY if view.by_broker else SUPERVISORS
        short = labels([answer.source for answer in view.answers])
        self.sorts: Sequence[Column] = columns
        self.columns = choose(columns, every, short, width)
        self.rows = shown(every, columns, choices)
        self._at = index_of(self.rows, choices)
        top = self._top(every)
        room = max(height - len(top) - 2, 0)
        pane = self._pane(room)
        self.page = max(room - len(pane), 0)
        self.lines = [*top, *self._table(), *pane, self._foot()]
        self._crop(height)

    def _top(self, every: Sequence[Row]) -> list[Text]:
        sums = totals(every)
        found = service_findings(self._view)
        told = found if len(found) <= _MOST_BANNERS else found[: _MOST_BANNERS - 1]
        banners = [line for one in told for line in _banner(one, self._width)]
        if hidden := len(found) - len(told):
            banners.append(Text(f"✗ and {hidden} more", "bold red"))
        return [
            _title(self._view, self._choices.frozen, self._width),
            _counts(self._view, every, sums),
            _pulse(self._view, sums, min((self._width - 60) // 2, _MOST_SPARK)),
            *banners,
        ]

    def _table(self) -> list[Text]:
        head = table.head(self.columns, self._choices.sort, self._choices.backwards)
        body = table.body(self.rows, self.columns, self._at, self.page, self._width)
        if not self.rows and self.page:
            body = [Text(self._nothing(), "dim")]
        return [head, *body, *(Text() for _ in range(self.page - len(body)))]

    def _nothing(self) -> str:
        if self._choices.filter or self._choices.ill_only:
            return "no partition fits the filter; Esc shows all"
        return "no partition is assigned" if self._view.told else "nothing is known yet"

    def _pane(self, room: int) -> list[Text]:
        """The lower half; it leaves the table what that needs, or its least."""
        kept = min(len(self.rows) + 1, max(_LEAST_ROWS, room // 2))
        most = room - kept - 1
        if not self._choices.pane or most < 1:
            return []
        title, content = self._content(most)
        lines = list(islice(content, most))
        return [panes.rule(title, self._width), *lines]

    def _content(self, room: int) -> tuple[str, Sequence[Text]]:
        match self._choices.pane:
            case "workers":
                return "workers", list(panes.workers(self._view, room))
            case "events":
                return "events, the newest first", list(panes.events(self._view, room))
            case "keys":
                return "keys", [_key(keys, what) for keys, what in _LONG.items()]
        if not self.rows:
            return "no partition", []
        row = self.rows[self._at]
        return f"{row.place} {row.state}", list(panes.partition(row, self._view, self._width))

    def _foot(self) -> Text:
        choices = self._choices
        if choices.typing:
            line = Text.assemble(("filter: ", "bold"), choices.filter, (" ", "reverse"))
            return line.append("   Enter keeps it, Esc drops it", "dim")
        line = Text()
        for key, what in _KEYS.items():
            line.append(key, "bold").append(f" {what}  ", "dim")
        return Text.assemble((_kept(choices), "bold"), line)

    def _crop(self, height: int) -> None:
        if self._width < LEAST_WIDTH or height < LEAST_HEIGHT:
            small = f"{LEAST_WIDTH} x {LEAST_HEIGHT} at least, please"
            self.lines = [Text(small), *self.lines[1:]]
        del self.lines[max(height, 0) :]
        for line in self.lines:
            table.disarm(line)
            line.truncate(self._width, overflow="ellipsis")


def _kept(choices: Choices) -> str:
    """What is chosen other than at the start."""
    kept = f"filter: {choices.filter}  " if choices.filter else ""
    kept += "not ok only  " if choices.ill_only else ""
    backwards = ", reversed" if choices.backwards else ""
    sorted_ = choices.sort != Choices().sort or choices.backwards
    return kept + (f"by {choices.sort}{backwards}  " if sorted_ else "")


def _title(view: View, frozen: bool, width: int) -> Text:
    groups = ", ".join(view.groups) or "…"
    line = Text.assemble(("ticketpool top  ", "dim"), (groups, "bold"))
    sources = [answer.source for answer in view.answers]
    where = sources[0] if len(sources) == 1 else words.plural(len(sources), "supervisor")
    right = Text.assemble(("frozen", "bold reverse"), "  ") if frozen else Text()
    right.append(where, "dim")
    if len(view.told) == 1 and not view.by_broker:
        status = view.told[0][1]
        right.append(f"  {status.state}", "green" if status.ready else "yellow")
        right.append(f"  up {words.span(status.uptime_seconds)}", "dim")
    elif len(view.told) == 1:
        right.append(f"  {view.told[0][1].state}", "")
    line.truncate(max(width - right.cell_len - 2, 0), overflow="ellipsis", pad=False)
    line.append(" " * max(width - line.cell_len - right.cell_len, 1))
    return line.append_text(right)


def _counts(view: View, rows: Sequence[Row], sums: Totals) -> Text:
    line = Text(f"{words.plural(len(rows), 'partition')}: ")
    states = [row.state for row in rows]
    for at, state in enumerate(sorted(set(states), key=lambda one: URGENCY.get(one, 9))):
        style = state_style(state)
        line.append(", " if at else "").append(f"{states.count(state):,} {state}", style)
    if view.by_broker:
        return line
    workers = [one for _, status in view.told for one in status.workers]
    ready = sum(one.state == "ready" for one in workers)
    some = f"{ready} of " if ready < len(workers) else ""
    told = f"  {some}{words.plural(len(workers), 'worker')} ready"
    style = "red" if sums.dead_lettered else "dim"
    line.append(f"  {words.plural(sums.dead_lettered, 'dead letter')}", style)
    line.append(told, "yellow" if some else "")
    return line.append(f"  {sums.retried:,} retried" if sums.retried else "", "yellow")


def _pulse(view: View, sums: Totals, bars: int) -> Text:
    samples = history(view)[-bars:] if bars > 0 else []
    line = Text().append("rate ", "dim").append(f"{words.per_second(sums.rate_per_s)}/s ", "bold")
    line.append(words.sparkline([one.rate_per_s for one in samples]), "green")
    line.append("   lag ", "dim").append(f"{words.number(sums.lag)} ", "bold")
    line.append(words.sparkline([float(one.lag or 0) for one in samples]), "yellow")
    if sums.behind_seconds is not None:
        line.append("   late ", "dim").append(words.span(sums.behind_seconds), "bold")
    if sums.p99_ms is not None:
        line.append("   p99 ", "dim").append(words.milliseconds(sums.p99_ms), "bold")
    return line


def _banner(finding: Finding, width: int) -> Iterator[Text]:
    style = "yellow" if finding.mild else "bold red"
    for line in words.wrapped(f"✗ {finding.about} {finding.words}", width, 2):
        yield Text(line, style)
    if finding.remedy:
        yield from panes.remedy(finding.remedy, style, width)


def _key(keys: str, what: str) -> Text:
    return Text.assemble((f"{keys:<11}", "bold"), what)
