"""``ticketpool status``: once, as a table or JSON, with an exit code by state."""

import time

import click
import msgspec
from rich.console import Console

from ticketpool import log
from ticketpool.cli.asked import broker_alone, source_options
from ticketpool.cli.options import kafka_config, kafka_options, log_config, option
from ticketpool.cli.tables import console
from ticketpool.config import KafkaConfig
from ticketpool.errors import ConfigError, NotReached, NotWell
from ticketpool.terminal.answers import Answer, View
from ticketpool.terminal.ask import addresses, ask_all
from ticketpool.terminal.sheet import LOST_CODE, as_json, exit_code, sheet, verdict


@click.command("status")
@source_options
@click.option("--json", "as_object", is_flag=True, help="One JSON object on standard output.")
@option(
    "--interval",
    type=click.FloatRange(0.1),
    default=2.0,
    help="Seconds between two looks at the broker: moving or standing?",
)
@kafka_options
def command(
    http: tuple[str, ...],
    group: str,
    as_object: bool,
    interval: float,
    bootstrap_servers: str,
    properties: tuple[str, ...],
    log_format: str,
    log_level: str,
) -> None:
    """Lag and state of each partition, and what is not well, with what to do.

    Asks running supervisors over HTTP. With --group, or --bootstrap-servers, the broker alone
    is asked: what is committed, where the logs end, who holds what.

    Exit codes: 0 all is well; 8 something is not well; 3 somebody can't be reached.
    """
    log.setup(log_config(log_format, log_level))
    if broker_alone():
        answers = [_ask_broker(kafka_config(bootstrap_servers, properties), group, interval)]
    else:
        answers = ask_all(addresses(http))
    view = View(tuple(answers))
    if as_object:
        click.echo(msgspec.json.encode(as_json(view)))
    else:
        _print(view)
    _require_well(view)


def _ask_broker(kafka: KafkaConfig, group: str, interval: float) -> Answer:
    """Two looks at a group. Raises ``ConfigError``: the broker knows nothing of it."""
    from ticketpool.terminal.broker import BrokerSource

    source = BrokerSource.of(kafka, group)
    answer = source.ask()
    if answer.status is None:
        return answer
    if not answer.status.partitions and not answer.status.ready:
        raise ConfigError(
            f"{kafka.bootstrap_servers} tells of no commit and no member of group {group!r}: set "
            "--group, or ask its supervisors by --http (of an embedded cluster only they tell)"
        )
    time.sleep(interval)
    return source.ask()


def _print(view: View) -> None:
    out = Console(highlight=False, soft_wrap=True)
    for line in sheet(view, console().width):
        out.print(line)


def _require_well(view: View) -> None:
    words, code = verdict(view), exit_code(view)
    if code:
        raise (NotReached if code == LOST_CODE else NotWell)(words)
