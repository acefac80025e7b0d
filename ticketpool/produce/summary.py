"""What a run came to: the JSON object of ``--json``, and its lines for people."""

from collections.abc import Iterator

import msgspec
from rich.console import Console
from rich.table import Table

from ticketpool.errors import VerificationFailed


class LatencyMs(msgspec.Struct, frozen=True):
    """From produce to acknowledgement, in milliseconds; ``None`` before the first."""

    p50: float | None = None
    p99: float | None = None
    max: float | None = None


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a run, as ``produce --json`` prints it.

    Attributes:
        ok: every ticket was delivered, every line was one, and no process died.
        delivered: tickets that the broker has acknowledged.
        failed: tickets that were not, or of which nothing was heard.
        read: lines read from ``--input`` (of a CSV: rows); they were delivered, failed,
            bad, or empty.
        bad: lines that are no tickets.
        empty: lines left out.
        next_line: where to go on in the input; ``None``: all was read.
        kept: lines added to the ``--failed`` file.
        seconds: from the first due time to the last acknowledgement.
        rate_per_s: the pace that was kept.
        rate_wanted_per_s: ``--rate``; 0: as fast as possible.
        run: what the ids of this run begin with.
        reasons: why tickets failed, with their number.
        refusal: why ``--strict`` stopped the run.
    """

    ok: bool
    delivered: int
    failed: int
    seconds: float
    rate_per_s: float
    rate_wanted_per_s: float
    latency_ms: LatencyMs
    run: str
    topic: str
    keys: int | None = None  # those of an input are not counted
    workers: int
    reasons: dict[str, int] = {}
    read: int | None = None  # no input
    bad: int = 0
    empty: int = 0
    next_line: int | None = None
    kept: int = 0
    kept_in: str | None = None
    refusal: str = ""

    def require_ok(self) -> None:
        """Raises ``VerificationFailed`` unless ``ok``."""
        if self.ok:
            return
        raise VerificationFailed("; ".join(self._complaints()))

    def _complaints(self) -> Iterator[str]:
        if self.refusal:
            yield f"--strict: {self.refusal}"
        if self.bad:
            yield f"{self.bad:,} lines are no tickets"
        if self.failed or not self.bad:
            yield f"{self.failed} tickets were not delivered to {self.topic!r}" + self._why
        if self.next_line:
            yield f"the input was not read to its end; go on at line {self.next_line}"
        if self.kept:
            yield f"kept in {self.kept_in}: mend what needs it and give it to --input"

    @property
    def _why(self) -> str:
        why = "; ".join(f"{reason} ({count})" for reason, count in self.reasons.items())
        return f": {why}" if why else "; a producer process died, the run is not complete"


def milliseconds(seconds: float | None, longest: float | None) -> float | None:
    """A quantile is the upper bound of its bucket, so it is cut at the maximum."""
    if seconds is None or longest is None:
        return None
    return round(min(seconds, longest) * 1000, 3)


def table(summary: Summary) -> None:
    """Print the summary on standard error, a line for each figure."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold")
    for label, text in _rows(summary):
        grid.add_row(label, text, style="red" if label == "failed" and summary.failed else "")
    Console(stderr=True, highlight=False).print(grid)


def _rows(summary: Summary) -> list[tuple[str, str]]:
    """Pairs of label and text for a table."""
    wanted = f" (wanted {summary.rate_wanted_per_s:,g})" if summary.rate_wanted_per_s else ""
    latency = summary.latency_ms
    return [
        ("delivered", f"{summary.delivered:,} tickets to {summary.topic}"),
        ("failed", f"{summary.failed:,}"),
        ("time", f"{summary.seconds:,.2f} s"),
        ("rate", f"{summary.rate_per_s:,.1f}/s{wanted}"),
        ("latency", f"p50 {_ms(latency.p50)}, p99 {_ms(latency.p99)}, max {_ms(latency.max)}"),
        ("run", ", ".join([summary.run, *_keys(summary), f"{summary.workers} processes"])),
        *_input_rows(summary),
    ]


def _keys(summary: Summary) -> list[str]:
    return [] if summary.keys is None else [f"{summary.keys:,} keys"]


def _input_rows(summary: Summary) -> list[tuple[str, str]]:
    rows = []
    if summary.read is not None:
        others = f"{summary.bad:,} bad, {summary.empty:,} empty"
        rows.append(("read", f"{summary.read:,} lines, {others}"))
    if summary.next_line is not None:
        rows.append(("next", f"line {summary.next_line:,}"))
    if summary.kept:
        rows.append(("kept", f"{summary.kept:,} in {summary.kept_in}"))
    return rows


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f} ms"
