"""The command line: a command per module, imported when it is called."""

import importlib
import sys
from typing import Any

import click

from ticketpool import __version__
from ticketpool.errors import TicketpoolError

COMMANDS = {
    "run": "Process tickets: the supervisor and its pool of workers.",
    "produce": "Write keyed tickets at an exact pace, from several processes.",
    "demo": "Everything on this machine without a server, with proof of order.",
    "broker": "An embedded, in-memory cluster in the foreground, for trying things.",
    "check": "Look at what `run` would need, without processing anything.",
    "dlq": "Dead letters: list, show, replay, export.",
    "verify": "Read a topic and prove order per key, gaps and duplicates.",
}


class _LazyGroup(click.Group):
    """Imports a command's module only when it is called: ``--help`` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"ticketpool.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ticketpool")
def cli() -> None:
    """Kafka consumers in Python that keep order and use every core.

    Try `ticketpool demo`: it needs no server.
    """


def main(**kwargs: Any) -> None:
    """The ``ticketpool`` command; ends the process with the exit codes of errors.py."""
    try:
        cli(standalone_mode=True, **kwargs)
    except TicketpoolError as error:
        click.echo(f"{click.style('error:', fg='red', bold=True)} {error}", err=True)
        sys.exit(error.exit_code)
