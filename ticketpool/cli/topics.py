"""``ticketpool topics``: what is there, and making what is not."""

from typing import TYPE_CHECKING, Any

import click

from ticketpool.cli.consent import agree
from ticketpool.cli.options import kafka_options, option
from ticketpool.cli.shared import begin, print_json
from ticketpool.config import RunConfig
from ticketpool.errors import ConfigError, TicketpoolError, TopicMissing

if TYPE_CHECKING:
    from ticketpool.kafka.topics import TopicInfo, Topics, Wanted

_DEFAULT = RunConfig()


class _ShowByDefault(click.Group):
    """``topics`` alone, or with options, is ``topics show``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group("topics", cls=_ShowByDefault)
def command() -> None:
    """Topics: partitions, offsets, configuration, trouble; and making them.

    Without a command: show.
    """


@command.command("show")
@option("--topic", "topics", multiple=True, metavar="NAME", show_default="all but Kafka's own",
        help="Only this topic, with its partitions and settings; repeat for several.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@kafka_options
def show(topics: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """What is there: partitions, records, settings that matter, partitions in trouble.

    Records are counted by offsets: at most so many, where a topic is compacted or written in
    transactions.
    """
    from ticketpool.cli import topics_shown as shown

    ask = _ask(given)
    found = _found(ask, topics, given["bootstrap_servers"])
    if as_json:
        print_json(shown.as_json(found))
        return
    shown.overview(found)
    for topic in found if topics else ():
        shown.detail(topic)


def _found(ask: "Topics", names: tuple[str, ...], servers: str) -> "list[TopicInfo]":
    """Those named, else all but Kafka's own (one that goes meanwhile is left out). Raises
    ``TopicMissing``."""
    wanted = names or [name for name in ask.names() if not name.startswith("__")]
    found = ask.describe(dict.fromkeys(wanted))
    if missing := sorted(set(names) - {topic.name for topic in found}):
        raise TopicMissing(
            f"no topic {', '.join(map(repr, missing))} at {servers} (or no right to see it); "
            f"`ticketpool topics create {missing[0]}` makes it"
        )
    return found


@command.command("create")
@click.argument("name")
@option("--partitions", type=click.IntRange(1), default=_DEFAULT.partitions, help="How many.")
@option("--replication", type=click.IntRange(-1), default=_DEFAULT.replication,
        show_default="the broker's", help="Brokers that keep each record.")  # fmt: skip
@click.option("-c", "settings", multiple=True, metavar="KEY=VALUE",
              help="A setting of it: retention.ms=86400000; repeat for several.")  # fmt: skip
@click.option("--with-dead-letters", is_flag=True,
              help="Its dead-letter topic, too, as large; of -c it gets max.message.bytes "
              "only.")  # fmt: skip
@option("--dead-letter-topic", show_default="NAME.dlq", help="Another name for that.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@kafka_options
def create(yes: bool, as_json: bool, **given: Any) -> None:
    """Make a topic, after a plan that the broker has checked. What is there is not changed.

    Without --yes you are asked; where there is no terminal, nothing is made (exit code 2).
    """
    from ticketpool.cli import topics_shown as shown

    ask, wanted = _ask(given), _wanted(given)
    there = ask.describe([one.name for one in wanted])
    new = [one for one in wanted if one.name not in {topic.name for topic in there}]
    for one in new:
        ask.create(one, only_check=True)
    if not as_json:
        shown.plan(wanted, there)
    if new:
        agree(f"Make {', '.join(one.name for one in new)}?", yes=yes)
        _make(ask, new)
    found = ask.describe([one.name for one in wanted])
    if as_json:
        print_json(shown.made_as_json(found, [one.name for one in new]))
    else:
        shown.made(found, [one.name for one in new])


def _make(ask: "Topics", wanted: "list[Wanted]") -> None:
    """One after the other. Raises what the broker says, and which ones were made before."""
    made: list[str] = []
    for one in wanted:
        try:
            ask.create(one, only_check=False)
        except TicketpoolError as error:
            before = f" ({', '.join(made)} was made)" if made else ""
            raise type(error)(f"{error}{before}") from None
        made.append(one.name)


def _wanted(given: dict[str, Any]) -> "list[Wanted]":
    from ticketpool.kafka.topics import Wanted

    name, config = given["name"], _settings(given["settings"])
    size = given["partitions"], given["replication"]
    wanted = [Wanted(name, *size, config)]
    letters = given["dead_letter_topic"] or f"{name}.dlq"
    if given["with_dead_letters"]:
        if letters == name:
            raise ConfigError(f"--dead-letter-topic {letters}: is the topic itself")
        # Of the others, a letter must not be compacted away, or sooner than somebody looks.
        shared = {key: config[key] for key in ("max.message.bytes",) if key in config}
        wanted.append(Wanted(letters, *size, shared))
    return wanted


def _settings(given: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for one in given:
        key, equals, value = one.partition("=")
        if not (key and equals):
            raise ConfigError(f"-c {one!r}: write KEY=VALUE, retention.ms=86400000 say")
        found[key] = value
    return found


def _ask(given: dict[str, Any]) -> "Topics":
    from ticketpool.kafka.topics import Topics

    return Topics(begin(given))
