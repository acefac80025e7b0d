"""``ticketpool verify``: prove order, gaps, duplicates of topics; with ``--trace`` of a run."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
from click.core import ParameterSource
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from ticketpool import proof
from ticketpool.cli import proof as shown_proof
from ticketpool.cli.options import kafka_options, option
from ticketpool.cli.shared import begin
from ticketpool.config import KafkaConfig
from ticketpool.errors import ConfigError, VerificationFailed
from ticketpool.verify import Progress, Report, verify


@click.command("verify")
@option(
    "--topic",
    multiple=True,
    default=("tickets",),
    metavar="TOPIC",
    help="What to read; may be repeated.",
)
@click.option(
    "--run", metavar="ID", help="Only this run: the 8 hex digits that its ids start with."
)
@click.option(
    "--trace",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Judge what all supervisors of 'run --trace-log DIR' noted there. Asks no broker, "
    "unless --topic is given too: then no record may stand where the logs have a gap.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@kafka_options
def command(
    topic: tuple[str, ...], run: str | None, trace: Path | None, as_json: bool, **given: Any
) -> None:
    """Read topics to their end and prove order per key, gaps and duplicates.

    Joins no group and commits nothing. Exit code 7 when something is wrong.

    With --trace, the logs of all supervisors and workers of a machine are held against the
    promise: nothing lost, order per partition, no two processes on one partition, nothing
    handled twice but after a fault.
    """
    kafka = begin(given)
    if trace is not None:
        source = click.get_current_context().get_parameter_source("topic")
        wanted = topic if source is ParameterSource.COMMANDLINE else ()
        judge(trace, kafka, wanted, run, as_json)
        return
    if run is not None and not _is_run(run):
        raise ConfigError(f"--run {run!r}: write the 8 hex digits that the ids start with")
    with _progress_bar() as progress:
        report = verify(kafka, topic, run=run, progress=progress)
    if as_json:
        click.echo(msgspec.json.encode(report).decode())
    else:
        show(report, Console(highlight=False))
    if not report.ok:
        raise VerificationFailed(in_words(report))


def judge(
    trace: Path, kafka: KafkaConfig, topics: tuple[str, ...], run: str | None, as_json: bool
) -> None:
    """Print what the logs of a folder prove, and the topics beside them if there are any.

    Raises:
        VerificationFailed, ConfigError, BrokerUnreachable, NotAuthorised, TopicMissing.
    """
    if run is not None:
        raise ConfigError("--run is about tickets in a topic; it can't be used with --trace")
    found = proof.prove(trace, kafka if topics else None, topics)
    if as_json:
        click.echo(msgspec.json.encode(found.flat()).decode())
    else:
        shown_proof.show(found, Console(highlight=False))
    if not found.ok:
        raise VerificationFailed(f"{trace}: {shown_proof.in_words(found)}")


def _is_run(run: str) -> bool:
    return len(run) == 8 and not set(run) - set("0123456789abcdef")


@contextlib.contextmanager
def _progress_bar() -> Iterator[Progress]:
    """A bar on standard error where that is a terminal, silence elsewhere."""
    console = Console(stderr=True)
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    columns = (TextColumn("reading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def in_words(report: Report) -> str:
    """What is wrong with the topics, in one line."""
    named = {
        "lost": report.lost,
        "duplicated": report.duplicates,
        "out of order": report.out_of_order,
        "unreadable": report.unreadable if report.run is None else 0,
    }
    wrong = [f"{count:,} {what}" for what, count in named.items() if count]
    if report.run is not None and not report.processed:
        wrong.append(f"no ticket of run {report.run}")
    return f"{', '.join(report.topics)}: {', '.join(wrong)}"


def show(report: Report, console: Console) -> None:
    """The verdict as a table, with notes and evidence below."""
    console.print(_table(report))
    for note in _notes(report):
        console.print(f"[dim]·[/dim] {escape(note)}")
    for line in _evidence(report):
        console.print(f"[red]✗[/red] {escape(line)}")
    if report.ok and report.processed:
        console.print("[bold green]✓[/] complete, in order per key, each ticket once")


def _table(report: Report) -> Table:
    table = Table(title=f"verify {', '.join(report.topics)}", title_justify="left", box=None)
    table.add_column("what")
    table.add_column("count", justify="right")
    table.add_column("in words", style="dim")
    for what, count, words, bad in _rows(report):
        style = "red" if bad and count else "green" if bad else ""
        table.add_row(what, f"[{style}]{count:,}[/]" if style else f"{count:,}", words)
    return table


def _rows(report: Report) -> Iterator[tuple[str, int, str, bool]]:
    counted = {"run": report.runs, "key": report.keys, "partition": report.partitions}
    where = ", ".join(f"{n:,} {what}{'' if n == 1 else 's'}" for what, n in counted.items())
    yield "produced", report.produced, "tickets that must be there, by their order_ids", False
    yield "processed", report.processed, f"distinct tickets read: {where}", False
    yield "lost", report.lost, "order_ids missing from a run", True
    yield "duplicates", report.duplicates, "tickets that stand there more than once", True
    yield "out of order", report.out_of_order, "behind a later ticket of their key", True
    yield "unreadable", report.unreadable, "records that are no ticket", report.run is None


def _notes(report: Report) -> Iterator[str]:
    if not report.records:
        yield "there is nothing to read, so nothing is proven"
    else:
        rate = f"{report.throughput_per_s:,.0f}/s"
        yield f"{report.records:,} records read in {report.seconds:.1f} s, {rate}"
    if report.run is not None:
        yield f"only run {report.run}"
    if report.unkeyed:
        yield f"{report.unkeyed:,} tickets have no key: their order was not checked"
    if report.split_keys:
        yield f"{report.split_keys:,} keys stand in several partitions: no order between those"
    for run in report.by_run:
        if run["first"] > 1 and run["run"]:
            yield f"run {run['run']} starts at order_id {run['first']:,}; its head was removed"


def _evidence(report: Report) -> Iterator[str]:
    evidence = report.evidence
    for gap in evidence["lost"]:
        yield f"lost: {_stretch(gap)} of {_run_name(gap)} in {gap['topic']}"
    for late in evidence["out_of_order"]:
        yield f"out of order: {_ticket(late)} stands behind order_id {late['after']:,}"
    for repeated in evidence["duplicates"]:
        yield f"duplicate: {_ticket(repeated)} had come before"
    for one in evidence["unreadable"]:
        yield f"unreadable: {_place(one)}: {one['reason']}"


def _stretch(gap: dict[str, Any]) -> str:
    first, last = gap["first"], gap["last"]
    return f"order_id {first}" if first == last else f"order_ids {first} to {last}"


def _run_name(one: dict[str, Any]) -> str:
    return f"run {one['run']}" if one["run"] else "another program"


def _ticket(one: dict[str, Any]) -> str:
    key = "no key" if one["key"] is None else f"key {one['key']!r}"
    return f"{_place(one)}, {key}, order_id {one['order_id']} of {_run_name(one)}"


def _place(one: dict[str, Any]) -> str:
    return f"{one['topic']}[{one['partition']}] offset {one['offset']}"
