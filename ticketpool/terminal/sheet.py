"""What ``ticketpool status`` prints: a table for each group, and what is not well. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from rich.text import Text

from ticketpool.terminal import table, words
from ticketpool.terminal.answers import BROKER, Row, View, labels, totals
from ticketpool.terminal.columns import BROKER_ONLY, SUPERVISORS, choose, ordered
from ticketpool.terminal.findings import (
    Finding,
    findings,
    partition_findings,
    service_findings,
)

WELL_CODE, LOST_CODE, ILL_CODE = 0, 3, 8
"""Exit codes: all is well; a source told nothing; something is not well."""


def exit_code(view: View) -> int:
    """What a source that can't be reached would have told, nobody knows: that goes first."""
    if any(not answer.reached for answer in view.answers):
        return LOST_CODE
    return ILL_CODE if findings(view) else WELL_CODE


def verdict(view: View) -> str:
    """What is not well, in one line; empty when all is well."""
    lost = [answer for answer in view.answers if not answer.reached]
    ill = partition_findings(view.rows())
    others = len(service_findings(view)) - len(lost)
    told = [f"{answer.source} {answer.trouble}" for answer in lost]
    told += [f"{words.plural(len(ill), 'partition')} not ok"] if ill else []
    told += [words.plural(others, "other finding")] if others else []
    return ", ".join(told)


def sheet(view: View, width: int) -> Iterator[Text]:
    """The lines; those with a table are at most ``width`` wide, sentences may be longer."""
    for line in _lines(view, width):
        table.disarm(line)
        yield line


def _lines(view: View, width: int) -> Iterator[Text]:
    for group in view.groups:
        yield from _group(view.of(group), group, width)
        yield Text()
    found = findings(view)
    for finding in found:
        yield from _finding(finding)
    if view.told and not found:
        yield Text.assemble(("✓ ", "bold green"), "all partitions are ok")


def _group(view: View, group: str, width: int) -> Iterator[Text]:
    rows = view.rows()
    columns = BROKER_ONLY if view.by_broker else SUPERVISORS
    yield _title(rows, group)
    yield from _sources(view)
    short = labels([answer.source for answer in view.answers])
    chosen = choose(columns, rows, short, width)
    if rows:
        yield table.head(chosen, "", False)
    for row in ordered(rows, columns, "partition", False):
        line = table.row(row, chosen, False)
        line.rstrip()
        yield line


def _title(rows: Sequence[Row], group: str) -> Text:
    sums = totals(rows)
    line = Text.assemble((group, "bold"))
    line.append(f"   {words.plural(len(rows), 'partition')}", "")
    line.append(f"   lag {words.number(sums.lag)}")
    if sums.behind_seconds is not None:
        line.append(f", {words.span(sums.behind_seconds)} late")
    return line.append(f"   {words.per_second(sums.rate_per_s)}/s")


def _sources(view: View) -> Iterator[Text]:
    for answer, status in view.told:
        line = Text(f"{answer.source}: {status.state}", "dim")
        if answer.source != BROKER:
            line.append(f", pid {status.pid}" if status.pid else "")
            line.append(f", up {words.span(status.uptime_seconds)}")
            line.append(f", {words.plural(len(status.workers), 'worker')}")
            line.append(f", {status.handler}")
            line.append(f", version {status.version}" if status.version else "")
        yield line


def _finding(finding: Finding) -> Iterator[Text]:
    style = "yellow" if finding.mild else "bold red"
    line = Text.assemble(("▲ " if finding.mild else "✗ ", style))
    yield line.append(finding.about, style).append(f" {finding.words}")
    if finding.remedy:
        yield Text.assemble(("  → ", style), finding.remedy)


def as_json(view: View) -> dict[str, Any]:
    """The one JSON object of ``--json``."""
    code = exit_code(view)
    return {
        "ok": code == WELL_CODE,
        "groups": [_group_json(view.of(group), group) for group in view.groups],
        "sources": [_source_json(answer) for answer in view.answers],
        "findings": [one._asdict() for one in findings(view)],
    }


def _group_json(view: View, group: str) -> dict[str, Any]:
    rows = view.rows()
    sums = totals(rows)
    return {
        "group": group,
        "ok": not findings(view),
        "lag": sums.lag,
        "time_lag_seconds": sums.behind_seconds,
        "rate_per_s": sums.rate_per_s,
        "not_ok": sum(row.ill for row in rows),
        "partitions": [_row_json(row) for row in rows],
    }


def _row_json(row: Row) -> dict[str, Any]:
    told = {"source": row.source} | ({"member": row.member} if row.source == BROKER else {})
    return told | msgspec.structs.asdict(row.partition)


def _source_json(answer: Any) -> dict[str, Any]:
    status = answer.status
    told = {"source": answer.source, "reached": answer.reached, "reason": answer.trouble}
    if status is None:
        return told
    rest = ("group", "state", "ready", "version", "pid", "host", "uptime_seconds", "problems")
    told |= {name: getattr(status, name) for name in rest}
    return told | {"workers": status.workers, "cluster": status.cluster}
