"""``ticketpool produce``."""

from typing import Any

import click

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
    "topic", "rate", "count", "keys", "workers", "size", "compression", "partitioner",
    "create_topic", "partitions", "replication",
)  # fmt: skip


@click.command("produce", help="Write keyed tickets at an exact pace, from several processes.")
@option("--topic", default="tickets", help="Where to.")
@option("--rate", default=100.0, help="Tickets a second over all processes; 0: at full speed.")
@option("--count", type=int, help="Tickets in all.  [default: until stopped]")
@option("--duration", type=float, metavar="SECONDS", help="End after that time.")
@option("--keys", default=100, help="Number of distinct keys; order is kept for each.")
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
    default=120.0,
    metavar="SECONDS",
    help="How long a ticket is tried again before it counts as failed.",
)
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
    from ticketpool.config import ProduceConfig
    from ticketpool.log import setup
    from ticketpool.produce.run import produce

    config = ProduceConfig(
        kafka=kafka_config(bootstrap_servers, properties),
        log=log_config(log_format, log_level),
        duration_seconds=values["duration"],
        delivery_timeout_seconds=values["delivery_timeout"],
        **{name: values[name] for name in _FIELDS},
    )
    setup(config.log)
    summary = produce(config)
    _show(summary, log_format, as_json)
    summary.require_ok()


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
