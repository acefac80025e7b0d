"""``ticketpool pause``, ``resume``, ``move``, ``scale``, ``restart``, ``drain``, ``log-level`` and
``trace``: what is asked of a running supervisor on its control socket."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ticketpool.cli.options import option

F = TypeVar("F", bound=Callable[..., Any])

_PATIENCE_SECONDS = 45.0  # beyond what the supervisor itself waits

_LEVELS = ("debug", "info", "warning", "error")


def _supervisor(function: F) -> F:
    """``--group`` and ``--control``, which say which supervisor is meant."""
    for decorate in (
        option("--control", metavar="PATH", type=click.Path(path_type=Path),
               help="Control socket of the supervisor; else the only one that runs."),
        option("--group", help="The supervisor of this consumer group."),
    ):  # fmt: skip
        function = decorate(function)
    return function


_topic = click.option("--topic", help="Topic of the partition, where several are read.")
_partitions = click.option(
    "--partition", "partitions", type=click.IntRange(0), multiple=True, metavar="N",
    help="Number of the partition; repeat for several.",
)  # fmt: skip
_all = click.option("--all", "everything", is_flag=True, help="All, of --topic if it is given.")
_wait = click.option(
    "--wait", "seconds", type=click.FloatRange(0, 86_400), default=30.0, show_default=True,
    metavar="SECONDS", help="Wait so long for it to be done; it goes on after that.",
)  # fmt: skip


def _ask(kind: str, group: str | None, control: Path | None, **given: Any) -> None:
    """Ask, show the answer, and end with its exit code."""
    from ticketpool.control import client, requests

    if control is None or str(control) in ("auto", "off"):  # TICKETPOOL_CONTROL, meant for `run`
        control = client.find(group)
    request = getattr(requests, kind)(**given)
    seconds = None if kind == "Drain" else given.get("seconds", 0.0) + _PATIENCE_SECONDS
    answer = client.ask(control, request, seconds)
    lines = [_clean(line) for text in answer.lines for line in text.splitlines() or [""]]
    failed = answer.exit_code != 0
    if failed:
        lines[:1] = [f"{click.style('error:', fg='red', bold=True)} {line}" for line in lines[:1]]
    for line in lines:
        click.echo(line, err=failed)
    sys.exit(answer.exit_code)


def _clean(line: str) -> str:
    """Without what would steer the terminal: source lines and names may hold anything."""
    return "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in line)


@click.command()
@_partitions
@_all
@_topic
@_supervisor
def pause(partitions: tuple[int, ...], **given: Any) -> None:
    """Run nothing more of a partition.

    The record at hand is finished; what its worker had not begun comes back. Reading and
    committing go on, and the lag goes on being told. A pause outlives the restart of a worker.
    It ends with `resume`, with the supervisor, and when a rebalance takes the partition away.
    """
    _ask("Pause", partitions=list(partitions), **given)


@click.command()
@_partitions
@_all
@_topic
@_supervisor
def resume(partitions: tuple[int, ...], **given: Any) -> None:
    """Go on with a paused partition."""
    _ask("Resume", partitions=list(partitions), **given)


@click.command()
@click.option("--partition", type=click.IntRange(0), required=True, help="Its number.")
@click.option("--worker", type=click.IntRange(0), required=True, help="The one to serve it.")
@_topic
@_wait
@_supervisor
def move(**given: Any) -> None:
    """Let another worker serve a partition.

    At a record boundary: nothing is repeated, and the group does not rebalance.
    """
    _ask("Move", **given)


@click.command()
@click.argument("workers", type=click.IntRange(1, 512))
@_wait
@_supervisor
def scale(**given: Any) -> None:
    """Have WORKERS workers, more or fewer.

    Partitions move at a record boundary: nothing is repeated, and the group does not rebalance.
    If a new worker cannot start, all stays as it was. After a restart, --workers of `run` counts
    again.
    """
    _ask("Scale", **given)


@click.command()
@click.option("--partition", type=click.IntRange(0), help="The worker that has this partition.")
@click.option("--worker", type=click.IntRange(0), help="This worker.")
@_topic
@click.option(
    "--wait", "seconds", type=click.FloatRange(0, 86_400), default=5.0, show_default=True,
    metavar="SECONDS", help="That the records at hand have to finish.",
)  # fmt: skip
@_supervisor
def restart(**given: Any) -> None:
    """Replace a worker by a fresh process: for a handler that does not come back.

    The records at hand are finished first. What still runs after --wait is cut off, and called
    again by the fresh worker; so are the records of its other partitions. The group does not
    rebalance.
    """
    _ask("Restart", **given)


@click.command()
@_supervisor
def drain(**given: Any) -> None:
    """End a supervisor in order, as SIGTERM does, and wait for it.

    The records at hand are finished and committed, the group is left. Ends with the exit code
    that the supervisor ends with.
    """
    _ask("Drain", **given)


@click.command()
@click.argument("log_level", type=click.Choice(_LEVELS), metavar="LEVEL")
@_supervisor
def log_level(**given: Any) -> None:
    """Log from LEVEL on, in the supervisor and its workers, until it ends.

    LEVEL is debug, info, warning or error.
    """
    _ask("LogLevel", **given)


@click.command()
@click.option("--partition", type=click.IntRange(0), help="The worker that has this partition.")
@click.option("--worker", type=click.IntRange(0), help="This worker.")
@click.option("--all", "everything", is_flag=True, help="All its threads and tasks.")
@_topic
@_supervisor
def trace(**given: Any) -> None:
    """Show what a worker is doing at this moment: record, age, stack.

    The worker is not stopped. ▶ marks the thread, or the task of an async handler, of the
    partition. Values of variables are not shown.
    """
    _ask("Trace", **given)
