"""The verdict of the demo in plain words."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ticketpool.demo.judge import Verdict
from ticketpool.terminal.words import milliseconds


def panel(verdict: Verdict) -> RenderableType:
    """The verdict as a panel."""
    colour = "green" if verdict.ok else "red"
    parts: list[RenderableType] = [Text(sentence(verdict), style=f"bold {colour}"), Text()]
    parts.append(_table(verdict))
    for note in notes(verdict):
        parts += [Text(), Text(note)]
    return Panel(Group(*parts), title="verdict", border_style=colour, padding=(1, 2), width=80)


def sentence(verdict: Verdict) -> str:
    """The outcome in one line."""
    if not verdict.ok:
        return f"✗ The proof failed: {', '.join(verdict.problems)}."
    again = "" if verdict.duplicates else ", none twice"
    return f"✓ All {verdict.produced:,} tickets were processed in order, none lost{again}."


def _table(verdict: Verdict) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    for what, count, words in _rows(verdict):
        table.add_row(what, Text(count, style="bold"), words)
    return table


def _rows(verdict: Verdict) -> Iterator[tuple[str, str, str]]:
    latency = verdict.latency_ms
    spread = f"p99 {milliseconds(latency.p99)}, longest {milliseconds(latency.max)}"
    yield "produced", f"{verdict.produced:,}", "acknowledged by the cluster"
    yield "processed", f"{verdict.processed:,}", f"distinct, by {verdict.processes} processes"
    yield "lost", f"{verdict.lost:,}", "produced and never handled"
    yield "duplicates", f"{verdict.duplicates:,}", "handled again"
    yield (
        "out of order",
        f"{verdict.out_of_order:,}",
        "per partition and per key, when first handled",
    )
    yield (
        "throughput",
        f"{verdict.throughput_per_s:,.1f}/s",
        "between the first and the last one handled",
    )
    yield "latency", milliseconds(latency.p50), f"median; {spread}"


def notes(verdict: Verdict) -> Iterator[str]:
    """What needs more words than a row."""
    crash = verdict.crash
    if crash is None:
        return
    back = (
        f"its replacement was ready within {crash.restart_seconds:.1f} s"
        if crash.restart_seconds is not None
        else "nothing replaced it"
    )
    yield (
        f"Worker {crash.worker} (pid {crash.pid}) was killed by SIGKILL after "
        f"{crash.at_ticket:,} tickets; {back}. {_redelivered(verdict.redelivered)}"
    )


def _redelivered(count: int) -> str:
    if not count:
        return "It had nothing unsettled at hand, so nothing was handled twice."
    tickets, were = ("ticket", "was") if count == 1 else ("tickets", "were")
    return (
        f"{count:,} {tickets} that it had handled and not yet settled {were} delivered again, "
        "in order: at least once, as promised."
    )
