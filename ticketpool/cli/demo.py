"""``ticketpool demo``: everything on this machine without a server, with proof."""

import click
import msgspec
from rich.console import Console

from ticketpool.cli.options import option
from ticketpool.demo.conductor import Conductor
from ticketpool.demo.judge import Verdict
from ticketpool.demo.scene import DemoConfig
from ticketpool.demo.shows import choose
from ticketpool.demo.verdict import panel
from ticketpool.errors import ConfigError, VerificationFailed
from ticketpool.kafka.embedded import PARTITION_BYTES

_RECORD_BYTES = 400  # a ticket of 200 bytes alone in its batch, rounded up
_FEW_KEYS = 20  # below, they may crowd in one partition


@click.command("demo")
@option("--seconds", type=click.FloatRange(min=0.5), default=10.0, help="How long to produce.")
@option("--rate", type=click.FloatRange(min=1), default=100.0, help="Tickets a second.")
@option("--workers", type=click.IntRange(1, 64), default=4, help="Worker processes.")
@option("--keys", type=click.IntRange(min=1), default=100, help="Distinct keys.")
@click.option("--crash", is_flag=True, help="Kill a worker half-way, by SIGKILL.")
@click.option("--json", "as_json", is_flag=True, help="The verdict as one JSON object.")
def command(
    seconds: float, rate: float, workers: int, keys: int, crash: bool, as_json: bool
) -> None:
    """Everything on this machine without a server, with proof of order.

    An embedded cluster, the real producer and the real pool: each worker writes
    down what it handles, and that is compared with what stands in the topic.
    Ctrl-C ends the production early; the verdict is on what there was.
    """
    config = DemoConfig(seconds=seconds, rate=rate, workers=workers, keys=keys, crash=crash)
    _require_room(config)
    with choose() as show:
        verdict = Conductor(config, show.show).run()
    if verdict is None:
        click.echo("stopped before the first ticket", err=True)
        return
    if as_json:
        click.echo(msgspec.json.encode(verdict))
    else:
        Console(highlight=False).print(panel(verdict))
    _require_ok(verdict)


def _require_room(config: DemoConfig) -> None:
    """The embedded cluster drops what it has no room for; the proof would fail by that."""
    partitions = 1 if config.keys < _FEW_KEYS else 2  # 4, with room for an uneven spread
    most = partitions * PARTITION_BYTES // _RECORD_BYTES
    if config.expected > most:
        raise ConfigError(
            f"--rate {config.rate:g} for --seconds {config.seconds:g} makes {config.expected:,} "
            f"tickets; the embedded cluster has room for {most:,} (with {config.keys} keys)"
        )


def _require_ok(verdict: Verdict) -> None:
    if not verdict.ok:
        raise VerificationFailed(", ".join(verdict.problems))
