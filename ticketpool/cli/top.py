"""``ticketpool top``: a running pool or group, live."""

from functools import partial

import click

from ticketpool.cli.asked import broker_alone, source_options
from ticketpool.cli.options import kafka_config, kafka_options, option
from ticketpool.terminal.answers import BROKER
from ticketpool.terminal.ask import addresses, ask
from ticketpool.terminal.live import Ask, Top
from ticketpool.terminal.screen import require_terminal


@click.command("top")
@source_options
@option("--interval", type=click.FloatRange(0.1), default=1.0, help="Seconds between two looks.")
@kafka_options
def command(
    http: tuple[str, ...],
    group: str,
    interval: float,
    bootstrap_servers: str,
    properties: tuple[str, ...],
    log_format: str,
    log_level: str,
) -> None:
    """Partitions, workers and events of running supervisors, live. h tells the keys.

    With --group, or --bootstrap-servers, the broker alone is asked.
    """
    require_terminal()
    sources: dict[str, Ask] = {}
    if broker_alone():
        from ticketpool.terminal.broker import BrokerSource

        kafka = kafka_config(bootstrap_servers, properties)
        sources[BROKER] = BrokerSource.of(kafka, group).ask
    else:
        sources = {source: partial(ask, source) for source in addresses(http)}
    Top(sources, interval).run()
