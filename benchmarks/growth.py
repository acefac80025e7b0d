"""How throughput grows with workers, partitions, record size and handler cost.

``python -m benchmarks.growth`` measures on a broker of its own, each point against the
bare loop by turns, and leaves growth.json and growth.svg beside this file; the table
goes to standard output. ``--draw`` makes table and plot from the growth.json that is
there; ``--quick`` measures a hundredth, to see that it works.
"""

import argparse
import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks import svg
from benchmarks.backlog import SIZE, evenly, write
from benchmarks.contenders import Contenders
from benchmarks.measure import Spread, spread, work_for
from tests.broker import Broker, launch
from tests.support import Command

_HERE = Path(__file__).parent
_JSON, _SVG = "growth.json", "growth.svg"
_SECONDS = 3.0  # about so long shall the bare loop take for a point
_MOST_PER_SECOND, _BYTES_PER_SECOND = 100_000, 100_000_000  # more would be a long wait for little
_names = itertools.count(1)


class Setting(NamedTuple):
    """Where a point is measured."""

    workers: int = 2
    partitions: int = 8
    size: int = SIZE
    micros: float = 0.0

    def records(self, seconds: float) -> int:
        """A number of records for about so long, equal for all partitions."""
        rate = min(_MOST_PER_SECOND, _BYTES_PER_SECOND / self.size, 1e6 / (self.micros or 1))
        return max(round(rate * seconds / self.partitions), 1) * self.partitions


class Series(NamedTuple):
    """What grows, the other things being equal."""

    title: str
    axis: str
    points: tuple[tuple[float, Setting], ...]


ALL = (
    Series(
        "workers (handler of 80 µs)",
        "workers",
        tuple((n, Setting(workers=n, micros=80)) for n in (1, 2, 4, 8)),
    ),
    Series(
        "partitions (no-op handler, 2 workers)",
        "partitions",
        tuple((n, Setting(partitions=n)) for n in (1, 8, 64, 512)),
    ),
    Series(
        "record size (no-op handler, 2 workers)",
        "bytes of JSON",
        tuple((n, Setting(size=n)) for n in (200, 1_000, 10_000, 100_000)),
    ),
    Series(
        "cost of the handler (2 workers)",
        "µs of CPU",
        tuple((n, Setting(micros=n)) for n in (1, 10, 40, 80, 200, 1_000)),
    ),
)


class Point(msgspec.Struct, frozen=True):
    """What came of it, in records a second."""

    x: float
    records: int
    ours: Spread
    bare: Spread


Found = dict[str, list[Point]]
"""Points by the title of their series."""


def measure(broker: Broker, both: Contenders, setting: Setting, rounds: int, share: float) -> Point:
    """One point. Ours and the bare loop take turns."""
    count = setting.records(_SECONDS * share)
    topic = broker.create_topic(f"growth-{next(_names)}", setting.partitions)
    tickets = evenly(setting.partitions, count // setting.partitions)
    write(broker, topic, tickets, size=setting.size, noise=True)
    handler = "spin" if setting.micros else "noop"
    work = {"WORK": str(work_for(setting.micros))}
    ours, bare = [], []
    for n in range(rounds):
        options = ("--workers", str(setting.workers))
        group = f"{topic}-{n}"
        ours.append(both.ours(handler, topic, group, count, *options, environment=work))
        bare.append(both.bare(topic, f"{group}-bare", count, handler, environment=work))
    return Point(0, count, spread(ours), spread(bare))


def measure_all(rounds: int, share: float) -> Found:
    """Every point of every series."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = launch()
        try:
            with Contenders(
                broker, folder, lambda *a, **k: Command(*a, folder=folder, **k)
            ) as both:
                return {one.title: _series(one, broker, both, rounds, share) for one in ALL}
        finally:
            broker.close()


def _series(
    series: Series, broker: Broker, both: Contenders, rounds: int, share: float
) -> list[Point]:
    found = []
    for x, setting in series.points:
        point = measure(broker, both, setting, rounds, share)
        found.append(msgspec.structs.replace(point, x=x))
    return found


def table(found: Found) -> str:
    """Markdown."""
    head = [
        "| what grows | | ours, records/s | bare loop, records/s | ratio |",
        "|---|---|---|---|---|",
    ]
    rows = [
        f"| {series.title} | {point.x:g} | {point.ours:,.0f} | {point.bare:,.0f} "
        f"| {point.ours.median / point.bare.median:.2f} |"
        for series in ALL
        for point in found[series.title]
    ]
    return "\n".join([*head, *rows])


def plot(found: Found) -> str:
    """The SVG."""
    return svg.render([_panel(series, found[series.title]) for series in ALL])


def _panel(series: Series, points: Sequence[Point]) -> svg.Panel:
    lines = {
        "ticketpool": [_dot(point.x, point.ours) for point in points],
        "bare loop": [_dot(point.x, point.bare) for point in points],
    }
    return svg.Panel(series.title, series.axis, "records/s", lines)


def _dot(x: float, rates: Spread) -> svg.Dot:
    return svg.Dot(x, rates.median, rates.low, rates.high)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a hundredth, one round")
    parser.add_argument("--draw", action="store_true", help="from growth.json, without measuring")
    parser.add_argument("--into", type=Path, default=_HERE, help="folder for both files")
    given = parser.parse_args()
    data, drawing = given.into / _JSON, given.into / _SVG
    if not given.draw:
        found = measure_all(*((1, 0.01) if given.quick else (given.rounds, 1.0)))
        data.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    found = msgspec.json.decode(data.read_bytes(), type=Found)
    drawing.write_text(plot(found))
    print(table(found))


if __name__ == "__main__":
    main()
