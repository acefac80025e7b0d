"""The status page: one plain, self-contained HTML document.

*Supervisor side.* Every value from outside (topics, groups, handlers) is escaped in
one place, ``_element``; nothing else writes text into the page.
"""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from ticketpool.core.status import PartitionStatus, ServiceStatus, WorkerStatus

_STYLE = """
:root { color-scheme: light dark; --ink: #14171c; --dim: #5b6470; --paper: #f6f7f9;
  --card: #fff; --line: #d9dee5; --good: #12692f; --warn: #8f4a00; --bad: #b3201a; }
@media (prefers-color-scheme: dark) { :root { --ink: #f0e9d6; --dim: #9aa3ae; --paper: #0c0f13;
  --card: #14181e; --line: #2a313a; --good: #5ddc8b; --warn: #ffb648; --bad: #ff8077; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 112rem; padding: 1.5rem 1rem; background: var(--paper);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline; }
h1 { margin: 0; font-size: 1.5rem; letter-spacing: .02em; }
nav { margin-left: auto; display: flex; gap: 1rem; }
a { color: inherit; }
p { margin: .25rem 0; color: var(--dim); overflow-wrap: anywhere; }
.state { padding: .1rem .6rem; border: 1px solid currentColor; border-radius: 1rem;
  color: var(--warn); font-weight: 600; }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
.alarm { padding: .5rem .75rem; border-left: 4px solid var(--bad); background: var(--card);
  color: var(--bad); font-weight: 600; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr)); gap: .75rem;
  margin: 1rem 0; }
dl div { padding: .5rem .75rem; background: var(--card);
  border: 1px solid var(--line); border-radius: .5rem; }
dt { color: var(--dim); font-size: .8rem; }
dd { margin: 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.board { overflow-x: auto; margin: 1rem 0; background: var(--card);
  border: 1px solid var(--line); border-radius: .5rem; }
table { width: 100%; border-collapse: collapse; white-space: nowrap;
  font: .85rem/1.4 ui-monospace, monospace; font-variant-numeric: tabular-nums; }
caption { padding: .5rem .75rem; text-align: left; font: 600 1rem system-ui, sans-serif; }
th, td { padding: .35rem .6rem; border-top: 1px solid var(--line); text-align: right; }
th { color: var(--dim); font-weight: 600; }
th:first-child, td:first-child { text-align: left; }
"""

Cell = str | tuple[str, str]
"""A text, or a text and its class: good, warn or bad."""

Column = tuple[str, Callable[[Any], Cell]]


def _number(value: float | None, digits: int = 0) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"  # noqa: RUF001  an en dash: no value


def _alert(count: int) -> Cell:
    return (_number(count), "bad") if count else "0"


def _running(partition: PartitionStatus) -> Cell:
    if partition.in_flight_offset is None:
        return "idle"
    age = partition.in_flight_age_seconds or 0.0
    return f"{partition.in_flight_offset:,} for {age:.1f} s"


def _fetching(partition: PartitionStatus) -> Cell:
    return ("paused", "warn") if partition.paused else "on"


def _worker_of(partition: PartitionStatus) -> Cell:
    if partition.worker is None:
        return "none", "bad"
    return f"{partition.worker} (pid {partition.pid or '?'})"


def _state_of(worker: WorkerStatus) -> Cell:
    kind = {"ready": "good", "dead": "bad"}.get(worker.state, "warn")
    return worker.state, kind


_PARTITIONS: tuple[Column, ...] = (
    ("partition", lambda p: f"{p.topic}[{p.partition}]"),
    ("worker", _worker_of),
    ("running offset", _running),
    ("lag", lambda p: _number(p.lag)),
    ("fetching", _fetching),
    ("p50 ms", lambda p: _number(p.latency_ms.p50, 3)),
    ("p99 ms", lambda p: _number(p.latency_ms.p99, 3)),
    ("processed", lambda p: _number(p.processed)),
    ("retried", lambda p: _number(p.retried)),
    ("dead-lettered", lambda p: _alert(p.dead_lettered)),
    ("skipped", lambda p: _alert(p.skipped)),
    ("redelivered", lambda p: _number(p.redelivered)),
    ("committed", lambda p: _number(p.committed)),
    ("position", lambda p: _number(p.position)),
    ("watermark", lambda p: _number(p.high_watermark)),
    ("buffered", lambda p: _number(p.buffered)),
    ("in flight", lambda p: _number(p.in_flight)),
)
_WORKERS: tuple[Column, ...] = (
    ("worker", lambda w: str(w.slot)),
    ("pid", lambda w: "none" if w.pid is None else str(w.pid)),
    ("state", _state_of),
    ("restarts", lambda w: _number(w.restarts)),
    ("partitions", lambda w: _number(w.partitions)),
)


def render(status: ServiceStatus | None, alarm: str | None) -> str:
    """The whole document; ``alarm`` says why the figures cannot be trusted, if so."""
    body = _starting(alarm) if status is None else _service(status, alarm)
    title = "ticketpool" if status is None else f"{status.group}: {status.state} – ticketpool"  # noqa: RUF001
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="refresh" content="2"><link rel="icon" href="data:,">'
        f"{_element('title', title)}<style>{_STYLE}</style></head><body>{body}</body></html>"
    )


def _element(tag: str, text: str, kind: str = "") -> str:
    attribute = f' class="{escape(kind)}"' if kind else ""
    return f"<{tag}{attribute}>{escape(text)}</{tag}>"


def _header(state: str, kind: str = "") -> str:
    paths = ("/metrics", "/healthz", "/readyz", "/api/status")
    links = "".join(f'<a href="{path}">{path}</a>' for path in paths)
    badge = _element("span", state, f"state {kind}")
    return f"<header><h1>ticketpool</h1>{badge}<nav>{links}</nav></header>"


def _starting(alarm: str | None) -> str:
    return _header("starting") + f"<main>{_element('p', alarm or '')}</main>"


def _service(status: ServiceStatus, alarm: str | None) -> str:
    told = f"group {status.group}, handler {status.handler}, up {status.uptime_seconds:,.0f} s"
    return (
        _header(status.state, "good" if status.ready and not alarm else "")
        + _element("p", told)
        + "<main>"
        + (_element("p", f"Old figures: {alarm}", "alarm") if alarm else "")
        + _totals(status)
        + _table("Partitions", _PARTITIONS, status.partitions)
        + _table("Workers", _WORKERS, status.workers)
        + "</main>"
    )


def _totals(status: ServiceStatus) -> str:
    def total(name: str) -> Cell:
        return _number(sum(getattr(p, name) or 0 for p in status.partitions))

    figures: list[tuple[str, Cell]] = [
        ("partitions", _number(len(status.partitions))),
        ("lag, records", total("lag")),
        ("processed", total("processed")),
        ("retried", total("retried")),
        ("dead-lettered", _alert(sum(p.dead_lettered for p in status.partitions))),
        ("worker restarts", _number(sum(w.restarts for w in status.workers))),
        ("commits", _number(status.commits)),
        ("commits failed", _alert(status.commit_failures)),
        *((f"times {kind}", _number(count)) for kind, count in status.rebalances.items()),
    ]
    return "<dl>" + "".join(_figure(name, cell) for name, cell in figures) + "</dl>"


def _figure(name: str, cell: Cell) -> str:
    return f"<div>{_element('dt', name)}{_cell(cell, 'dd')}</div>"


def _cell(cell: Cell, tag: str = "td") -> str:
    text, kind = (cell, "") if isinstance(cell, str) else cell
    return _element(tag, text, kind)


def _table(caption: str, columns: Sequence[Column], items: Sequence[object]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name, _ in columns)
    rows = "".join(
        "<tr>" + "".join(_cell(read(item)) for _, read in columns) + "</tr>" for item in items
    )
    empty = f'<tr><td colspan="{len(columns)}">none</td></tr>'
    return (
        f'<div class="board" role="region" aria-label="{escape(caption)}" tabindex="0"><table>'
        f"{_element('caption', caption)}<thead><tr>{head}</tr></thead>"
        f"<tbody>{rows or empty}</tbody></table></div>"
    )
