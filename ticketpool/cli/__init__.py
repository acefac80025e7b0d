"""The command line: commands by name, their modules imported when they are called."""

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
    "status": "Lag and state of each partition, once; exit code by state.",
    "top": "The same, live: partitions, workers, events.",
    "check": "Look at what `run` would need, without processing anything.",
    "dlq": "Dead letters: list, show, replay, export.",
    "verify": "Read a topic and prove order per key, gaps and duplicates.",
    "trace": "The stack of the worker that has a partition, with its record.",
    "pause": "Run nothing more of a partition.",
    "resume": "Go on with a paused partition.",
    "move": "Let another worker serve a partition.",
    "scale": "More workers, or fewer, without a rebalance.",
    "restart": "Replace a worker whose handler does not come back.",
    "log-level": "Log more, or less.",
    "drain": "End a supervisor in order, and wait for it.",
    "offsets": "A group's offsets: look at them, and move them while it is stopped.",
    "topics": "Topics: partitions, offsets, configuration, trouble; and making them.",
}

GROUPS = {
    "Process tickets": ("run", "produce", "check"),
    "Try it out": ("demo", "broker"),
    "See what is going on": ("status", "top", "trace", "topics", "verify"),
    "Steer a running supervisor": (
        "pause",
        "resume",
        "move",
        "scale",
        "restart",
        "log-level",
        "drain",
    ),
    "Mend": ("dlq", "offsets"),
}
"""What commands are for, as ``--help`` shows them."""

_MODULES = dict.fromkeys((*GROUPS["Steer a running supervisor"], "trace"), "control")
"""Of commands that share a module; each other one has its own, and is ``command`` there."""


class _LazyGroup(click.Group):
    """Imports a command's module only when it is called: ``--help`` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        module = importlib.import_module(f"ticketpool.cli.{_MODULES.get(cmd_name, name)}")
        command: click.Command = getattr(module, name if cmd_name in _MODULES else "command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, COMMANDS))  # one column for all groups
        for title, names in GROUPS.items():
            if rows := [(n.ljust(width), COMMANDS[n]) for n in names if n in COMMANDS]:
                with formatter.section(title):
                    formatter.write_dl(rows)


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
        from ticketpool.masking import masked

        text = masked(str(error))
        click.echo(f"{click.style('error:', fg='red', bold=True)} {text}", err=True)
        sys.exit(error.exit_code)
