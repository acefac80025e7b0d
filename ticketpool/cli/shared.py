"""What the commands that ask the broker share: where it is, their log, their JSON."""

from typing import Any

import click

from ticketpool.cli.options import kafka_config, log_config
from ticketpool.config import KafkaConfig


def begin(given: dict[str, Any]) -> KafkaConfig:
    """Have the log go where the options of ``kafka_options`` say, and return the cluster.

    Raises:
        ConfigError: a property is wrong.
    """
    from ticketpool import log

    log.setup(log_config(given["log_format"], given["log_level"]))
    return kafka_config(given["bootstrap_servers"], given["properties"])


def print_json(value: object) -> None:
    """One line on standard output."""
    import msgspec

    click.echo(msgspec.json.encode(value))
