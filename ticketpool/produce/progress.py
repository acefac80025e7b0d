"""The progress bar, where standard error is a terminal."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from ticketpool.produce.crew import Crew


class _Delivered(ProgressColumn):
    def render(self, task: Task) -> Text:
        total = "" if task.total is None else f" / {int(task.total):,}"
        return Text(f"{int(task.completed):,}{total}", style="bold")


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f}/s", style="cyan")


@contextmanager
def progress(run: Crew) -> Iterator[Callable[[], None]]:
    """Show the run while the block lasts; yields what to call for each new look.

    Nothing is shown where standard error is no terminal. Log lines go above the bar.
    """
    if not sys.stderr.isatty():
        yield lambda: None
        return
    bar = _bar()
    task = bar.add_task("", total=run.total, latency="", trouble="")
    with bar, _logs_to(sys.stderr):
        yield lambda: _show(run, bar, task)


def _bar() -> Progress:
    return Progress(
        SpinnerColumn(),
        _Delivered(),
        BarColumn(bar_width=24),  # short: the terminal's echo of Ctrl-C must not wrap the line
        _Rate(),
        TextColumn("{task.fields[latency]}"),
        TextColumn("{task.fields[trouble]}", style="bold red"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        refresh_per_second=5,
    )


def _show(run: Crew, bar: Progress, task: object) -> None:
    counts, latency = run.counts(), run.latency()
    bar.update(
        task,  # type: ignore[arg-type]
        completed=counts.delivered,
        total=run.total,
        latency="" if latency.p99 is None else f"p99 {latency.p99:,.1f} ms",
        trouble=run.trouble,
    )


@contextmanager
def _logs_to(stream: TextIO) -> Iterator[None]:
    """While the bar is there, ``sys.stderr`` is rich's and prints above it."""
    handlers = [h for h in logging.getLogger().handlers if isinstance(h, logging.StreamHandler)]
    before = [handler.setStream(stream) for handler in handlers]
    try:
        yield
    finally:
        for handler, old in zip(handlers, before, strict=True):
            handler.setStream(old or sys.__stderr__)
