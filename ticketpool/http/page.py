"""The page at ``/``: a document that its script fills, and a plain table for who has no script.

*Supervisor side.* The document and what it loads lie in ``static/`` and are read once. Every value
from outside (topics, groups, handlers) that is written into the document goes through ``_element``,
which escapes it; the script writes text nodes only.
"""

from collections.abc import Callable, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ticketpool.core.condition import STATES
from ticketpool.core.status import PartitionStatus, ServiceStatus

# Only our own files are loaded or run, and nothing in the script may turn text into markup.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
_KINDS = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}

Column = tuple[str, Callable[[Any], str]]


class Page:
    """Answers ``/`` and what it loads.

    Args:
        status: gives the newest snapshot, or ``None`` before the first.
        verdict: why a snapshot can't be trusted, if so.
    """

    def __init__(
        self,
        status: Callable[[], ServiceStatus | None],
        verdict: Callable[[ServiceStatus | None], str | None],
    ) -> None:
        self._status, self._verdict = status, verdict
        folder = files("ticketpool.http") / "static"
        self._document = Template((folder / "page.html").read_text("utf-8"))
        self._assets = {
            one.name: (one.read_bytes(), kind)
            for one in folder.iterdir()
            if (kind := _KINDS.get(one.name.rpartition(".")[2]))
        }

    async def answer(self, _: Request) -> Response:
        status = self._status()
        title = "ticketpool" if status is None else f"{status.group}: {status.state} · ticketpool"
        body = self._document.substitute(
            title=escape(title), plain=plain(status, self._verdict(status))
        )
        return HTMLResponse(body, headers={"content-security-policy": _POLICY})

    async def asset(self, request: Request) -> Response:
        body, kind = self._assets.get(request.path_params["name"], (b"", ""))
        if not kind:
            return Response("Not Found", 404, media_type="text/plain")
        return Response(body, headers={"content-type": kind})


def plain(status: ServiceStatus | None, alarm: str | None) -> str:
    """The snapshot as tables; ``alarm`` says why the figures cannot be trusted, if so."""
    if status is None:
        return _element("p", alarm or "starting")
    told = f"{status.state}: group {status.group}, handler {status.handler}"
    times = ", ".join(f"{kind} {count}" for kind, count in status.rebalances.items())
    by_urgency = sorted(status.partitions, key=_urgency)
    warnings = [*([f"Old figures: {alarm}"] if alarm else []), *status.problems]
    return (
        _element("p", f"{told}, up {status.uptime_seconds:,.0f} s")
        + "".join(_element("p", one) for one in warnings)
        + _table("Partitions", _PARTITIONS, by_urgency)
        + _table("Workers", _WORKERS, status.workers)
        + _element("p", f"Partitions: {times}. Commits: {status.commits}")
    )


def _urgency(partition: PartitionStatus) -> tuple[int, str, int]:
    return -STATES.index(partition.state), partition.topic, partition.partition


def _number(value: float | None, digits: int = 0) -> str:
    return "?" if value is None else f"{value:,.{digits}f}"


def _running(partition: PartitionStatus) -> str:
    if partition.in_flight_offset is None:
        return "idle"
    return f"{partition.in_flight_offset:,} for {partition.in_flight_age_seconds or 0.0:.1f} s"


def _worker_of(partition: PartitionStatus) -> str:
    return "none" if partition.worker is None else f"{partition.worker} (pid {partition.pid})"


def _blame(partition: PartitionStatus) -> str:
    return "" if partition.blame is None else f"{partition.blame.reason} {partition.blame.remedy}"


_PARTITIONS: tuple[Column, ...] = (
    ("partition", lambda p: f"{p.topic}[{p.partition}]"),
    ("state", lambda p: "paused" if p.held else p.state),
    ("worker", _worker_of),
    ("lag", lambda p: _number(p.lag)),
    ("behind s", lambda p: _number(p.time_lag_seconds, 1)),
    ("per s", lambda p: _number(p.rate_per_s, 1)),
    ("p50 ms", lambda p: _number(p.latency_ms.p50, 3)),
    ("p99 ms", lambda p: _number(p.latency_ms.p99, 3)),
    ("running offset", _running),
    ("processed", lambda p: _number(p.processed)),
    ("retried", lambda p: _number(p.retried)),
    ("dead letters", lambda p: _number(p.dead_lettered)),
    ("committed", lambda p: _number(p.committed)),
    ("why", _blame),
)
_WORKERS: tuple[Column, ...] = (
    ("worker", lambda w: str(w.slot)),
    ("pid", lambda w: "none" if w.pid is None else str(w.pid)),
    ("state", lambda w: w.state),
    ("partitions", lambda w: _number(w.partitions)),
    ("restarts", lambda w: _number(w.restarts)),
    ("last end", lambda w: w.last_end or ""),
)


def _element(tag: str, text: str) -> str:
    return f"<{tag}>{escape(text)}</{tag}>"


def _table(caption: str, columns: Sequence[Column], items: Sequence[object]) -> str:
    head = "".join(_element("th", name) for name, _ in columns)
    rows = "".join(
        "<tr>" + "".join(_element("td", read(item)) for _, read in columns) + "</tr>\n"
        for item in items
    )
    none = f'<tr><td colspan="{len(columns)}">none</td></tr>'
    return f"<table>{_element('caption', caption)}\n<tr>{head}</tr>\n{rows or none}</table>\n"
