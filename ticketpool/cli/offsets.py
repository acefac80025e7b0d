"""``ticketpool offsets``: what a group has committed, and moving it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ticketpool.cli.consent import agree
from ticketpool.cli.options import kafka_options, option
from ticketpool.cli.shared import begin, print_json
from ticketpool.config import RunConfig
from ticketpool.errors import ConfigError
from ticketpool.terminal.words import plural

if TYPE_CHECKING:
    from ticketpool.core.reset import Target
    from ticketpool.offsets import Plan

F = TypeVar("F", bound=Callable[..., Any])

_DEFAULT = RunConfig()


@click.group("offsets")
def command() -> None:
    """A group's offsets: look at them, and move them while the group is stopped."""


def _shared(function: F) -> F:
    for decorate in (
        kafka_options,
        click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output."),
        option("--group", default=_DEFAULT.group, help="Consumer group."),
    ):
        function = decorate(function)
    return function


@command.command("show")
@option("--topic", "topics", multiple=True, metavar="NAME", show_default="all that it committed",
        help="Only this topic, also partitions without a commit; repeat for several.")  # fmt: skip
@_shared
def show(group: str, topics: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """What the group has committed, and how far behind it is.

    Lag counts from the committed offset to the high watermark. The memo is what ticketpool keeps
    beside a commit: what is held against the next record.
    """
    from ticketpool.cli import offsets_shown as shown
    from ticketpool.offsets import look

    found = look(begin(given), group, topics)
    if as_json:
        print_json(shown.look_as_json(found))
    else:
        shown.look(found)


@command.command("reset")
@click.option("--to", "where", required=True, metavar="WHERE",
              help="earliest, latest, an offset (1234), a time (2026-01-02T03:04:05Z: the first "
              "record that is not older), or how long ago (-90s, -2h, -1d12h).")  # fmt: skip
@option("--topic", "topics", multiple=True, default=_DEFAULT.topics, metavar="NAME",
        help="Topic to move in; repeat for several.")  # fmt: skip
@click.option("--partition", "partitions", type=click.IntRange(0), multiple=True, metavar="NUMBER",
              help="Only this partition; repeat for several.  [default: all]")  # fmt: skip
@click.option("--new-group", is_flag=True, help="The group need not be there yet.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@_shared
def reset(where: str, as_json: bool, yes: bool, **given: Any) -> None:
    """Move the group's offsets, after a preview.

    The group must have no member: stop its supervisors before. Offsets beyond an end of the log
    become that end. Memos are dropped, so nothing is held against a record any more. Without
    --yes you are asked; where there is no terminal, nothing is changed (exit code 2).
    """
    from ticketpool.cli import offsets_shown as shown
    from ticketpool.offsets import Resetter

    resetter = Resetter(begin(given), given["group"])
    plan = resetter.plan(
        _target(where), given["topics"], given["partitions"], new_group=given["new_group"]
    )
    if not as_json:
        shown.plan(plan)
    if not plan.changing:
        done = None
    else:
        _agree(plan, as_json, yes)
        done = resetter.apply(plan)
    if as_json:
        print_json(shown.plan_as_json(plan, done))
    else:
        shown.done(plan, done)
    if done is not None:
        done.raise_if_partial(plan)


def _agree(plan: "Plan", as_json: bool, yes: bool) -> None:
    """Also for a program, the plan is told before it is refused."""
    from ticketpool.cli import offsets_shown as shown

    try:
        agree(f"Move {plural(len(plan.changing), 'partition')} of {plan.group}?", yes=yes)
    except ConfigError:
        if as_json:
            print_json(shown.plan_as_json(plan, None))
        raise


def _target(where: str) -> "Target":
    from datetime import UTC, datetime

    from ticketpool.core.reset import target

    try:
        return target(where, datetime.now(UTC))
    except ValueError as error:
        raise ConfigError(f"--to {error}") from None
