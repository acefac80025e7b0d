"""``ticketpool run``."""

from collections.abc import Iterable
from typing import Any

import click

from ticketpool.cli.options import kafka_config, kafka_options, log_config, option
from ticketpool.config import (
    Assignor,
    OffsetReset,
    OnFailure,
    OnOutOfRange,
    RunConfig,
    usable_cores,
)
from ticketpool.config.traces import TRACES
from ticketpool.errors import ConfigError

_DEFAULT = RunConfig()


@click.command(short_help="Process tickets: the supervisor and its pool of workers.")
@click.argument("handler", required=False, metavar="[HANDLER]")
@option("--workers", type=click.IntRange(1, 512), default=usable_cores, show_default="cores",
        help="Worker processes.")  # fmt: skip
@option("--topic", "topics", multiple=True, default=_DEFAULT.topics, metavar="NAME",
        help="Topic to read; repeat for several.")  # fmt: skip
@option("--handler", "handlers", multiple=True, metavar="TOPIC=MODULE:FUNCTION",
        help="Handler of one topic; HANDLER serves the others. Repeat for several.")  # fmt: skip
@option("--codec", "codecs", multiple=True, default=(_DEFAULT.codec,),
        metavar="[TOPIC=]CODEC",
        help="How values are decoded: json, msgpack, bytes, or a hook module:function. Repeat "
        "for single topics.")  # fmt: skip
@option("--middleware", multiple=True, metavar="MODULE:FUNCTION",
        help="Called around the handler; repeat for several, the outermost first.")  # fmt: skip
@option("--group", default=_DEFAULT.group, help="Consumer group.")
@option("--retries", type=click.IntRange(0), default=_DEFAULT.retries,
        help="Further calls after a handler has raised.")  # fmt: skip
@option("--backoff", type=click.FloatRange(0), default=_DEFAULT.backoff_seconds,
        help="Seconds before the first retry; doubles each time.")  # fmt: skip
@option("--backoff-max", type=click.FloatRange(0), default=_DEFAULT.backoff_max_seconds,
        help="Most seconds between retries.")  # fmt: skip
@option("--on-failure", type=click.Choice([p.value for p in OnFailure]),
        default=_DEFAULT.on_failure.value,
        help="What becomes of a record that failed for good.")  # fmt: skip
@option("--dead-letter-topic", show_default="<topic>.dlq", help="Where dead letters go.")
@option(
    "--dead-letter-limit",
    type=click.FloatRange(0, 1),
    default=_DEFAULT.dead_letter_limit,
    help="Share of dead letters in the last 200 records that stops the service; 1: never.",
)
@option("--park-keys", is_flag=True,
        help="Later tickets of a dead letter's key follow it, until `dlq replay`.")  # fmt: skip
@option("--max-parked-keys", type=click.IntRange(1, 100), default=_DEFAULT.max_parked_keys,
        help="Parked keys of a partition; with one more the service stops.")  # fmt: skip
@option("--handler-timeout", type=click.FloatRange(0), default=_DEFAULT.handler_timeout_seconds,
        help="Seconds after which a call counts as hung, its worker is killed.")  # fmt: skip
@option("--max-crashes", type=click.IntRange(1), default=_DEFAULT.max_crashes,
        help="Deaths of a worker on the same record that make it a dead letter.")  # fmt: skip
@option(
    "--max-records-per-worker",
    type=click.IntRange(0),
    default=_DEFAULT.max_records_per_worker,
    help="Replace a worker after so many records, for handlers that leak; 0: never.",
)
@option(
    "--max-rss",
    type=click.IntRange(0),
    default=_DEFAULT.max_rss_mib,
    metavar="MIB",
    help="Replace a worker above so much resident memory; 0: never.",
)
@option("--drain-timeout", type=click.FloatRange(0), default=_DEFAULT.drain_seconds,
        help="Seconds that records at hand may take when stopping or rebalancing.")  # fmt: skip
@option("--commit-interval", type=click.FloatRange(0.01),
        default=_DEFAULT.commit_interval_seconds, help="Seconds between commits.")  # fmt: skip
@option("--batch-size", type=click.IntRange(1), default=_DEFAULT.batch_size,
        help="Most tickets in a call of a batch handler.")  # fmt: skip
@option("--batch-timeout", type=click.FloatRange(0), default=_DEFAULT.batch_seconds,
        help="Seconds that the first ticket of a batch waits for the others.")  # fmt: skip
@option("--buffer-records", type=click.IntRange(1), default=_DEFAULT.buffer_records,
        help="Records per partition that wait before fetching pauses.")  # fmt: skip
@option("--buffer-bytes", type=click.IntRange(1), default=_DEFAULT.buffer_bytes,
        help="The same in bytes.")  # fmt: skip
@option("--offset-reset", type=click.Choice([p.value for p in OffsetReset]),
        default=_DEFAULT.offset_reset.value,
        help="Where a group without a commit starts.")  # fmt: skip
@option(
    "--on-out-of-range",
    type=click.Choice([p.value for p in OnOutOfRange]),
    default=_DEFAULT.on_out_of_range.value,
    help="When the committed offset was deleted: stop that partition, or go on from there.",
)
@option("--assignor", type=click.Choice([p.value for p in Assignor]),
        default=_DEFAULT.assignor.value, help="How the group shares partitions.")  # fmt: skip
@option("--http", default=_DEFAULT.http, metavar="HOST:PORT",
        help="Status page, metrics and health; 'off' for none.")  # fmt: skip
@option("--control", default="auto", metavar="PATH",
        help="Socket for pause, scale, trace and so on; 'off' for none. auto: a file of its own "
        "where those commands find it.")  # fmt: skip
@option("--http-payloads", is_flag=True,
        help="Show payloads of dead letters beyond loopback, too.")  # fmt: skip
@option("--exactly-once", is_flag=True,
        help="Write what handlers send, dead letters and offsets in one transaction.")  # fmt: skip
@option("--until-caught-up", is_flag=True,
        help="Stop once all that was there at the start is processed and committed.")  # fmt: skip
@option("--create-topic", is_flag=True, help="Create missing topics, dead-letter topics too.")
@option("--partitions", type=click.IntRange(1), default=_DEFAULT.partitions,
        help="Of a topic that --create-topic makes.")  # fmt: skip
@option("--replication", type=click.IntRange(-1), default=_DEFAULT.replication,
        show_default="the broker's", help="Of a topic that --create-topic makes.")  # fmt: skip
@option("--trace-log", type=click.Path(file_okay=False), metavar="DIR",
        help="Note what becomes of each record there, for 'verify --trace DIR'.")  # fmt: skip
@option("--traces", type=click.Choice(TRACES), default=_DEFAULT.traces,
        help="OpenTelemetry's spans of each call: to the collector that "
        "OTEL_EXPORTER_OTLP_ENDPOINT names, or to standard error.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON object.")
@kafka_options
def command(**given: Any) -> None:
    """Process tickets: the supervisor and its pool of workers.

    HANDLER is module:function, a function of one parameter (the ticket) or two (the ticket
    and its Context), def or async def. The annotation of the first parameter says what the codec
    has to make of a value; a list[Ticket] gets batches (and a list[Context] beside it).
    module:Class is constructed once in each worker; __call__ handles, open() and close(), if it
    has them, frame its life. Without HANDLER, a built-in one logs a line every two seconds.

    Each partition is served in order by one worker. Offsets are committed only past finished
    records. SIGTERM and Ctrl-C drain, commit and exit with 0; a second one stops at once.
    """
    from ticketpool import log, supervisor

    as_json = given.pop("as_json")
    config = configure(quiet_stdout=as_json, **given)
    log.setup(config.log)
    supervisor.run(config, _print_json if as_json else None)


def _print_json(outcome: object) -> None:
    import msgspec

    click.echo(msgspec.json.encode(outcome))


def by_topic(option_name: str, values: Iterable[str]) -> dict[str, str]:
    """``TOPIC=NAME`` of each value; a NAME without a topic comes under the empty one.

    Raises:
        ConfigError: a topic is named twice.
    """
    named: dict[str, str] = {}
    for value in values:
        topic, _, name = value.rpartition("=")
        if topic in named:
            whose = f"for topic {topic}" if topic else "without a topic"
            raise ConfigError(f"{option_name} {value}: there is a second one {whose}")
        named[topic] = name
    return named


def _handlers(values: Iterable[str]) -> dict[str, str]:
    named = by_topic("--handler", values)
    if "" in named:
        raise ConfigError(
            f"--handler {named['']}: write TOPIC={named['']}, or give it as HANDLER, without an "
            "option, for all topics"
        )
    return named


def configure(*, quiet_stdout: bool, **given: Any) -> RunConfig:
    """The configuration from the options. Raises ``ConfigError``."""
    http = given["http"]
    codecs = by_topic("--codec", given["codecs"])
    return RunConfig(
        kafka=kafka_config(given["bootstrap_servers"], given["properties"]),
        log=log_config(given["log_format"], given["log_level"]),
        topics=tuple(dict.fromkeys(given["topics"])),
        group=given["group"],
        handler=given["handler"] or _DEFAULT.handler,
        handlers=_handlers(given["handlers"]),
        codec=codecs.pop("", _DEFAULT.codec),
        codecs=codecs,
        middleware=tuple(given["middleware"]),
        workers=given["workers"],
        retries=given["retries"],
        backoff_seconds=given["backoff"],
        backoff_max_seconds=given["backoff_max"],
        on_failure=OnFailure(given["on_failure"]),
        dead_letter_topic=given["dead_letter_topic"],
        dead_letter_limit=given["dead_letter_limit"],
        park_keys=given["park_keys"],
        max_parked_keys=given["max_parked_keys"],
        on_out_of_range=OnOutOfRange(given["on_out_of_range"]),
        handler_timeout_seconds=given["handler_timeout"],
        max_crashes=given["max_crashes"],
        max_records_per_worker=given["max_records_per_worker"],
        max_rss_mib=given["max_rss"],
        drain_seconds=given["drain_timeout"],
        commit_interval_seconds=given["commit_interval"],
        batch_size=given["batch_size"],
        batch_seconds=given["batch_timeout"],
        buffer_records=given["buffer_records"],
        buffer_bytes=given["buffer_bytes"],
        offset_reset=OffsetReset(given["offset_reset"]),
        assignor=Assignor(given["assignor"]),
        http=None if http == "off" else http,
        control=None if given["control"] == "off" else given["control"],
        http_payloads=given["http_payloads"],
        exactly_once=given["exactly_once"],
        until_caught_up=given["until_caught_up"],
        create_topic=given["create_topic"],
        partitions=given["partitions"],
        replication=given["replication"],
        quiet_stdout=quiet_stdout,
        trace_log=given["trace_log"],
        traces=given["traces"],
    )
