"""``python -m benchmarks.peers``: exit code 0 when every run counts."""

import argparse
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from benchmarks.peers import environments, measure, report
from benchmarks.peers.contender import ALL, Ready
from benchmarks.peers.environments import Missing
from benchmarks.peers.figures import Run
from tests.broker import Unavailable, launch

_TICKETS = {"noop": 1_000_000, "cpu": 50_000}  # some seconds each
_console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)


def main() -> int:
    """Build, fill, run, report."""
    options = _options()
    for number in (signal.SIGINT, signal.SIGTERM):  # both clean up
        signal.signal(number, signal.default_int_handler)
    peers = [peer for name in options.only if (peer := _prepared(name, options))]
    if not peers:
        return 1
    try:
        runs = _measured(peers, options)
    except Unavailable as reason:
        _loud(f"no broker: {reason}")
        return 1
    title = f"handler {options.handler}, {options.rounds} rounds"
    _console.print(report.table(peers, runs, title))
    report.write(options.output, peers, runs, **_settings(options))
    _console.print(f"every figure: {options.output}")
    return 1 if any(run.void for run in runs) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="without the warm-up")
    parser.add_argument("--tickets", type=int, help=f"default: {_TICKETS}")
    parser.add_argument("--slow-tickets", type=int, default=20_000, help="for the slow ones")
    parser.add_argument("--handler", choices=list(_TICKETS), default="noop")
    parser.add_argument("--only", type=_names, default=_names(""), metavar="NAME,NAME")
    parser.add_argument("--envs", type=Path, default=Path(".tox/peers-envs"))
    parser.add_argument("--output", type=Path, help="default: .benchmarks/peers-HANDLER.json")
    options = parser.parse_args()
    options.envs = options.envs.absolute()
    options.tickets = options.tickets or _TICKETS[options.handler]
    options.slow_tickets = min(options.slow_tickets, options.tickets)
    options.output = options.output or Path(f".benchmarks/peers-{options.handler}.json")
    return options


def _names(text: str) -> list[str]:
    """The contenders asked for, all of them without a word."""
    names = [contender.name for contender in ALL]
    asked = [name for name in text.split(",") if name]
    if unknown := set(asked) - set(names):
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; there are {names}")
    return [name for name in names if name in asked] or names


def _prepared(name: str, options: argparse.Namespace) -> Ready | None:
    contender = next(one for one in ALL if one.name == name)
    try:
        with _console.status(f"building {contender.name}"):
            peer = environments.prepare(contender, options.envs)
            loops = environments.calibrate(peer) if options.handler == "cpu" else 0
    except Missing as reason:
        _loud(f"LEFT OUT: {contender.name}: {reason}")
        return None
    return replace(peer, loops=loops)


def _measured(peers: Sequence[Ready], options: argparse.Namespace) -> list[Run]:
    kafka = launch()
    try:
        _console.print(f"kafka: {kafka.description}")
        counts = {
            peer.name: options.slow_tickets if peer.contender.slow else options.tickets
            for peer in peers
        }
        filled = {count: measure.fill(kafka, count) for count in set(counts.values())}
        topics = {name: (filled[count], count) for name, count in counts.items()}
        return measure.rounds(kafka, peers, topics, options.handler, options.rounds, _say)
    finally:
        kafka.close()


def _say(run: Run) -> None:
    name = f"round {run.round} {run.contender:<12}" if run.round else f"warm-up {run.contender:<12}"
    if run.void:
        _loud(f"{name} VOID: {run.void}")
    else:
        _console.print(f"{name} {run.rate:>12,.0f} tickets/s")


def _loud(line: str) -> None:
    _console.print(line, style="bold red", markup=False)


def _settings(options: argparse.Namespace) -> dict[str, object]:
    return {
        "rounds": options.rounds, "tickets": options.tickets, "handler": options.handler,
        "slow_tickets": options.slow_tickets, "partitions": measure.PARTITIONS,
        "keys": measure.KEYS, "cpu_micros": environments.MICROS,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
