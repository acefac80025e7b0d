"""``ticketpool produce``."""

from typing import Any

import click
from click.core import ParameterSource

from ticketpool.cli.options import kafka_config, kafka_options, log_config, option

PARTITIONERS = (
    "murmur2",
    "murmur2_random",
    "consistent",
    "consistent_random",
    "random",
    "fnv1a",
    "fnv1a_random",
)
_FIELDS = (
    "topic", "count", "keys", "workers", "size", "compression", "partitioner",
    "create_topic", "partitions", "replication", "jitter", "key_distribution", "failed",
    "input", "input_format", "key_field", "timestamp_field", "strict",
)  # fmt: skip


_OF_MADE_UP_TICKETS = ("count", "duration", "keys", "key_distribution", "size")


@click.command(
    "produce",
    help="Write keyed tickets from several processes: made-up ones at an exact pace, "
    "or those of --input.",
)
@option("--topic", default="tickets", help="Where to.")
@option(
    "--rate",
    type=float,
    help="Tickets a second over all processes; 0: at full speed.  [default: 100; of --input: 0]",
)
@option("--ramp", default=0.0, metavar="SECONDS", help="Rise to the rate in a straight line.")
@option(
    "--jitter",
    default=0.0,
    metavar="FRACTION",
    help="Let tickets be late, each by up to this part of the time to the next.",
)
@option("--count", type=int, help="Tickets in all.  [default: until stopped]")
@option("--duration", type=float, metavar="SECONDS", help="End after that time.")
@option("--keys", default=100, help="Number of distinct keys; order is kept for each.")
@option(
    "--key-distribution",
    type=click.Choice(["uniform", "zipf"]),
    default="uniform",
    help="zipf: key k is 1/(k+1) times as busy as the first one.",
)
@option("--workers", default=1, help="Producer processes; a key always goes through the same.")
@option("--size", default=200, metavar="BYTES", help="Length of a ticket's JSON, about.")
@option(
    "--compression",
    type=click.Choice(["none", "gzip", "snappy", "lz4", "zstd"]),
    default="lz4",
    help="Of the batches on the wire and in the topic.",
)
@option(
    "--partitioner",
    type=click.Choice(PARTITIONERS),
    default="murmur2",
    help="murmur2 puts keys where Java clients do, fnv1a where Go's Sarama does.",
)
@option(
    "--delivery-timeout",
    type=float,
    metavar="SECONDS",
    help="How long a ticket is tried again before it counts as failed.  "
    "[default: 120; of --input: for ever]",
)
@option(
    "--input",
    metavar="FILE|-",
    help="Send the lines of a file or of standard input instead of made-up tickets.",
)
@option(
    "--input-format",
    type=click.Choice(["jsonl", "csv"]),
    help="JSON lines are sent as they stand, rows as objects.  [default: by the file's ending]",
)
@option(
    "--key-field",
    metavar="NAME",
    help="Field with the key; order is kept for each. In JSON also a path: order.id",
)
@option(
    "--timestamp-field",
    metavar="NAME",
    help="Field with the record's time: RFC 3339, or milliseconds since 1970.",
)
@option(
    "--failed",
    metavar="FILE",
    help="Add what is not delivered, in a form for --input; later tickets of a failed key go "
    "there too.",
)
@option("--strict", is_flag=True, help="Stop at the first line that cannot be delivered.")
@option("--create-topic", is_flag=True, help="Make the topic if it is missing.")
@option("--partitions", default=8, help="Of a topic that --create-topic makes.")
@option("--replication", default=-1, help="Of such a topic; -1: the broker's default.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
@kafka_options
def command(
    bootstrap_servers: str,
    properties: tuple[str, ...],
    log_format: str,
    log_level: str,
    as_json: bool,
    **values: Any,
) -> None:
    """Ends with 7 if a ticket was not delivered; ``ticketpool.produce.run.produce``."""
    from ticketpool.log import setup
    from ticketpool.produce.run import produce

    kafka = kafka_config(bootstrap_servers, properties)
    config = _config(kafka, log_config(log_format, log_level), values)
    setup(config.log)
    summary = produce(config)
    _show(summary, log_format, as_json)
    summary.require_ok()


def _config(kafka: Any, log: Any, values: dict[str, Any]) -> Any:
    """The ``ProduceConfig``. Raises ``ConfigError``."""
    from ticketpool.config import ProduceConfig

    rate, timeout = values["rate"], values["delivery_timeout"]
    if values["input"] is None:
        rate = 100.0 if rate is None else rate
        timeout = 120.0 if timeout is None else timeout
    else:
        _refuse_with_input()
    return ProduceConfig(
        kafka=kafka,
        log=log,
        rate=rate or 0.0,
        ramp_seconds=values["ramp"],
        duration_seconds=values["duration"],
        delivery_timeout_seconds=timeout,
        **{name: values[name] for name in _FIELDS},
    )


def _refuse_with_input() -> None:
    from ticketpool.errors import ConfigError

    ctx = click.get_current_context()
    for name in _OF_MADE_UP_TICKETS:
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = "--" + name.replace("_", "-")
            raise ConfigError(f"{option} is for made-up tickets, and --input brings its own")


def _show(summary: Any, log_format: str, as_json: bool) -> None:
    import msgspec

    from ticketpool.log import get
    from ticketpool.produce.summary import table

    if log_format == "json":
        get("ticketpool.produce").info("produced", **msgspec.to_builtins(summary))
    else:
        table(summary)
    if as_json:
        click.echo(msgspec.json.encode(summary))
