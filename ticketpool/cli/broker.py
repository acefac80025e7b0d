"""``ticketpool broker``: the embedded cluster in the foreground."""

import signal

import click
import msgspec

from ticketpool.cli.options import option
from ticketpool.kafka.embedded import FETCH_PROPERTY, PARTITION_BYTES, PARTITIONS, EmbeddedCluster


@click.command("broker")
@option(
    "--topic",
    multiple=True,
    default=("tickets",),
    metavar="TOPIC",
    help="Topics to make at once; others appear on first use.",
)
@click.option("--json", "as_json", is_flag=True, help="The address as one JSON object.")
def command(topic: tuple[str, ...], as_json: bool) -> None:
    """An embedded, in-memory cluster in the foreground, for trying things.

    It keeps nothing and is no Kafka. Ends with Ctrl-C.
    """
    stops = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)  # before the cluster's threads: they inherit it
    with EmbeddedCluster(topic) as cluster:
        if as_json:
            found = {"ok": True, "bootstrap_servers": cluster.bootstrap, "topics": topic}
            click.echo(msgspec.json.encode(found))
        else:
            _introduce(cluster.bootstrap, topic)
        signal.sigwait(stops)


def _introduce(address: str, topics: tuple[str, ...]) -> None:
    bold = click.style(address, bold=True)
    click.echo(f"""An embedded cluster answers at {bold}
Topics: {", ".join(topics)} ({PARTITIONS} partitions each); others appear on first use.

In a second terminal:
  ticketpool run --bootstrap-servers {address} -X {FETCH_PROPERTY}
In a third:
  ticketpool produce --rate 100 --bootstrap-servers {address}

It keeps nothing: all is gone when it ends, and of each partition it holds the last
{PARTITION_BYTES >> 20} MB only; what is older is dropped without a word.
It is for trying things, no Kafka.
Ctrl-C ends it.""")
