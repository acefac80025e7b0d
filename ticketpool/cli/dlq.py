"""``ticketpool dlq``: the dead-letter topics."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import click
import msgspec

from ticketpool.cli.options import kafka_options, option
from ticketpool.cli.shared import begin, print_json
from ticketpool.config import KafkaConfig, RunConfig
from ticketpool.core.selection import Selection
from ticketpool.core.when import moment
from ticketpool.errors import ConfigError, NotDelivered
from ticketpool.terminal.words import plural

if TYPE_CHECKING:
    from ticketpool.dlq.order import Order, Outcome

F = TypeVar("F", bound=Callable[..., Any])

_GROUP = RunConfig().group


@click.group("dlq")
def command() -> None:
    """Dead letters: list, show, replay, export.

    Kafka keeps them until their topic's retention ends; a replay remembers which have gone
    back, and `list` shows it.
    """


def _topics(function: F) -> F:
    function = option(
        "--dead-letter-topic", metavar="NAME", show_default="<topic>.dlq", help="Where they are."
    )(function)
    return option(
        "--topic", "topics", multiple=True, metavar="NAME", show_default="tickets",
        help="Topic that they came from; repeat for several.",
    )(function)  # fmt: skip


def _filters(function: F) -> F:
    for decorate in reversed(
        (
            click.option("--reason", metavar="TEXT",
                         help="The error's class, or a part of its text."),
            click.option("--partition", type=click.IntRange(0), help="That they came from."),
            click.option("--key", metavar="TEXT", help="Of this key."),
            click.option("--since", metavar="TIME",
                         help="Written since then: RFC 3339, or how long ago: 90s, 15m, 2h, 3d."),
            click.option("--until", metavar="TIME", help="Written before then."),
        )
    ):  # fmt: skip
        function = decorate(function)
    return function


@command.command("list")
@_topics
@_filters
@option("--group", help="Of this consumer group only.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Most shown.")
@click.option("--oldest", is_flag=True, help="The oldest first, not the newest.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object for each, and no summary.")
@kafka_options
def list_letters(limit: int, oldest: bool, as_json: bool, **given: Any) -> None:
    """The letters, and how many there are by reason.

    Reads the topics to their end, in constant memory; joins no group and commits nothing.
    """
    from ticketpool.cli import letters as shown
    from ticketpool.cli.tables import console
    from ticketpool.dlq import lines, scan

    kafka = begin(given)
    topics, selection = _meant(given)
    found = scan.look(kafka, topics, selection, limit, oldest=oldest)
    marks = scan.Marks(kafka, found.letters)
    if as_json:
        for letter in found.letters:
            click.echo(lines.letter_line(letter, marks.has(letter)))
        return
    screen = console()
    if found.letters:
        screen.print(shown.table(found, marks, topics, screen.width))
    shown.print_notes(screen, shown.notes(found, oldest=oldest))


@command.command("show")
@click.argument("place", metavar="PARTITION:OFFSET")
@_topics
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@kafka_options
def show_letter(place: str, as_json: bool, **given: Any) -> None:
    """Everything of one letter, named by where it stands in its dead-letter topic."""
    from ticketpool.cli import letters as shown
    from ticketpool.cli.tables import console
    from ticketpool.dlq import lines, scan
    from ticketpool.kafka.letters import letter_at

    kafka = begin(given)
    partition, offset = scan.place_of(place)
    topic = _only(_meant(given)[0])
    letter = letter_at(kafka, topic, partition, offset)
    if letter is None:
        raise ConfigError(f"no letter stands at {topic} {place}; `dlq list` shows those that do")
    replayed = scan.Marks(kafka, [letter]).has(letter)
    if as_json:
        click.echo(lines.letter_line(letter, replayed))
    else:
        shown.show(letter, replayed, console())


@command.command("export")
@_topics
@_filters
@option("--group", help="Of this consumer group only.")
@click.option("--output", type=click.Path(path_type=Path, allow_dash=True), default="-",
              metavar="FILE", help="A new file; - is standard output.")  # fmt: skip
@kafka_options
def export(output: Path, **given: Any) -> None:
    """All of each letter as a line of JSON, each partition's in their order.

    Letters with JSON in them can be sent anew by `produce --input FILE`, to any topic.
    """
    from ticketpool.dlq import lines, scan

    kafka = begin(given)
    topics, selection = _meant(given)
    count = 0
    with contextlib.closing(scan.reader_of(kafka, topics)) as reader, _written_to(output) as file:
        for letter in scan.letters(reader):
            if selection.takes(letter):
                file.write(lines.export_line(letter) + b"\n")
                count += 1
    click.echo(f"{plural(count, 'letter')} exported", err=True)


@contextlib.contextmanager
def _written_to(output: Path) -> Iterator[BinaryIO]:
    if str(output) == "-":
        with open(os.dup(1), "wb") as file:
            yield file
        return
    try:
        made = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(made, "wb") as file:
            yield file
    except OSError as error:
        raise ConfigError(f"--output {output}: {error.strerror}") from None


@command.command("replay")
@click.argument("places", nargs=-1, metavar="[PARTITION:OFFSET]...")
@_topics
@_filters
@option("--group", default=_GROUP, help="Whose letters; GROUP.replay keeps the progress.")
@option("--rate", type=click.FloatRange(0), default=0.0, help="Letters a second; 0: no limit.")
@option("--max-replays", type=click.IntRange(1), default=3,
        help="A letter that was replayed so often stays.")  # fmt: skip
@option("--progress-group", metavar="NAME", show_default="GROUP.replay",
        help="Keep the progress there; what was replayed with another comes again.")  # fmt: skip
@click.option("--release", is_flag=True,
              help="For run --park-keys: wait for no letter that is left out or gone.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Tell what would be replayed, and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="The outcome as one JSON object.")
@kafka_options
def replay(places: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Write letters back to the topic and partition that they came from.

    All that stand there now, or those that the filters leave. A letter keeps its key, value
    and headers, and gets a new timestamp; those of a key keep their order, and behind one that
    can't be replayed the others of its key stay, too. Only what is acknowledged is remembered:
    Ctrl-C and the next run go on where it stands, and a kill repeats what was written in the
    last second.
    """
    from ticketpool.cli import letters as shown
    from ticketpool.cli.tables import console

    kafka = begin(given)
    outcome = _replayed(kafka, _order(places, given), as_json)
    if as_json:
        print_json(outcome)
    else:
        shown.tell(outcome, console())
    if stayed := sum(outcome.stayed.values()):
        verb = "not replayed" if not outcome.dry_run else "would not be replayed"
        raise NotDelivered(f"{plural(stayed, 'letter')} {verb}, for the reasons told above")


def _order(places: tuple[str, ...], given: dict[str, Any]) -> "Order":
    from ticketpool.dlq import scan
    from ticketpool.dlq.order import Order

    topics, selection = _meant(given)
    if places:
        _only(topics)
    return Order(
        topics=topics,
        group=given["group"],
        progress=given["progress_group"] or scan.progress_group(given["group"]),
        selection=msgspec.structs.replace(selection, places=frozenset(map(scan.place_of, places))),
        rate=given["rate"],
        max_replays=given["max_replays"],
        dry_run=given["dry_run"],
        release=given["release"],
    )


def _replayed(kafka: KafkaConfig, order: "Order", as_json: bool) -> "Outcome":
    from ticketpool.cli import letters as shown
    from ticketpool.cli.tables import console
    from ticketpool.dlq.replay import Replay
    from ticketpool.errors import TicketpoolError
    from ticketpool.supervisor.signals import StopSignals

    with StopSignals() as signals, _bar() as bar:
        one = Replay(kafka, order, lambda: signals.count, bar)
        try:
            return one.run()
        except TicketpoolError:
            one.outcome.ok = False
            if as_json:
                print_json(one.outcome)
            else:
                shown.tell(one.outcome, console())
            raise


@contextlib.contextmanager
def _bar() -> Iterator[Callable[["Outcome", int], None]]:
    """A line on standard error where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda outcome, total: None
        return
    from rich.console import Console

    with Console(stderr=True).status("reading") as status:
        yield lambda outcome, total: status.update(f"{outcome.replayed:,} of {total:,} replayed")


# -- options as values ----------------------------------------------------------------------


def _meant(given: dict[str, Any]) -> tuple[tuple[str, ...], Selection]:
    """The dead-letter topics to read, and the filters. Raises ``ConfigError``."""
    shared, origins = given["dead_letter_topic"], tuple(dict.fromkeys(given["topics"]))
    topics = (shared,) if shared else tuple(f"{topic}.dlq" for topic in origins or ("tickets",))
    now_ms = time.time_ns() // 1_000_000
    selection = Selection(
        reason=given.get("reason"),
        topics=origins if shared else (),
        partition=given.get("partition"),
        key=given.get("key"),
        since_ms=_moment("--since", given.get("since"), now_ms),
        until_ms=_moment("--until", given.get("until"), now_ms),
        group=given.get("group"),
    )
    return topics, selection


def _moment(name: str, text: str | None, now_ms: int) -> int | None:
    try:
        return None if text is None else moment(text, now_ms)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from None


def _only(topics: tuple[str, ...]) -> str:
    if len(topics) > 1:
        raise ConfigError(
            "PARTITION:OFFSET is meant in one dead-letter topic; give one --topic, or "
            "--dead-letter-topic"
        )
    return topics[0]
