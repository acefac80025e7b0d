"""``ticketpool check``."""

import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ticketpool.cli import run
from ticketpool.config import OnFailure, RunConfig
from ticketpool.errors import TicketpoolError

if TYPE_CHECKING:
    from ticketpool.kafka.cluster import Cluster


class _Finding(NamedTuple):
    """What was looked at, and what came of it: ``None`` of an exit code is well."""

    what: str
    words: str
    exit_code: int | None = None
    hint: bool = False


def _check(**given: Any) -> None:
    failed: int | None = None
    for finding in _findings(given):
        _show(finding)
        failed = failed if failed is not None else finding.exit_code
    if failed is not None:
        sys.exit(failed)


def _findings(given: dict[str, Any]) -> Iterator[_Finding]:
    from ticketpool.kafka.cluster import Cluster

    try:
        config = run.configure(quiet_stdout=False, **given)
    except TicketpoolError as error:
        yield _failed("configuration", error)
        return
    yield _Finding("configuration", f"group {config.group}, {config.workers} workers")
    yield _tried("handler", lambda: _handlers(config))
    try:
        cluster = Cluster(config.kafka)
        count = len(cluster.metadata().brokers)
    except TicketpoolError as error:
        yield _failed("broker", error)
        return
    yield _Finding("broker", f"{config.kafka.bootstrap_servers}, {count} of the cluster")
    yield _tried("topics", lambda: _topics(config, cluster))
    yield from _dead_letters(config, cluster)


def _tried(what: str, look: Callable[[], str]) -> _Finding:
    try:
        return _Finding(what, look())
    except TicketpoolError as error:
        return _failed(what, error)


def _failed(what: str, error: TicketpoolError) -> _Finding:
    return _Finding(what, str(error), error.exit_code)


def _handlers(config: RunConfig) -> str:
    """All of them, loaded as a worker loads them; nothing is opened and nothing called."""
    sys.path.insert(0, os.getcwd())  # as in a worker, which is started by -m
    from ticketpool.supervisor.recruit import hello
    from ticketpool.worker.handlers import Handlers

    loaded = Handlers(hello(config, slot=0)).loaded
    return "\n".join(f"{handler.name}: {handler.shape}" for handler in loaded)


def _topics(config: RunConfig, cluster: "Cluster") -> str:
    ask = cluster.partition_counts if config.create_topic else cluster.require
    counts = ask(config.topics)
    made = f"not there, will be made with {config.partitions} partitions"
    return "\n".join(
        f"{topic}: {counts[topic]} partitions" if topic in counts else f"{topic}: {made}"
        for topic in config.topics
    )


def _dead_letters(config: RunConfig, cluster: "Cluster") -> Iterator[_Finding]:
    if config.on_failure is not OnFailure.DEAD_LETTER:
        return
    topics = list(dict.fromkeys(map(config.dead_letter_topic_of, config.topics)))
    missing = set(topics) - set(cluster.partition_counts(topics))
    if not missing or config.create_topic:
        yield _Finding("dead letters", ", ".join(topics))
        return
    yield _Finding(
        "dead letters",
        f"no topic {', '.join(sorted(missing))}: unless the broker makes it by itself, the first "
        "dead letter will hold its partition up; create it, or add --create-topic",
        hint=True,
    )


def _show(finding: _Finding) -> None:
    mark, colour = ("!", "yellow") if finding.hint else ("✓", "green")
    if finding.exit_code is not None:
        mark, colour = "✗", "red"
    first, *more = finding.words.splitlines() or [""]
    click.echo(f"{click.style(mark, fg=colour, bold=True)} {finding.what:<14} {first}")
    for line in more:
        click.echo(f"{'':<17}{line}")


command = click.Command(
    "check",
    params=[one for one in run.command.params if one.name != "as_json"],
    callback=_check,
    short_help="Look at what `run` would need, without processing anything.",
    help="""Look at what `run` would need, without processing anything.

    Takes the arguments of `run`. The configuration, the handlers with their codecs and
    middlewares (imported, and of a class an instance is made; nothing is opened or called), the
    broker, the topics and the dead-letter topics; each with what to do about it. The exit code
    is that with which `run` would end.""",
)
