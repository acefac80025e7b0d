"""One partition's handler stalls: do the others go on at their pace?

The handlers block and need no CPU, so nothing but ticketpool could slow the others
down. The stalled partition has more records than its buffer holds, so that its
fetching pauses meanwhile.
"""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from signal import SIGTERM
from typing import NamedTuple

import pytest

from benchmarks.backlog import Placed, evenly, write
from benchmarks.contenders import Contenders
from benchmarks.figures import Figures
from tests.broker import Broker
from tests.support import eventually

NAP = 0.002
PACE = 450  # naps a second: so many fit into the time of a stall, with some to spare
BEHIND = 30_000  # further tickets of the partition that stalls; 20,000 fill its buffer
STALLED = 0
LIMIT = 0.05
CEILING = 0.5


class Handled(NamedTuple):
    """A line of the handler ``nap_noted``."""

    partition: int
    at_ns: int


def tickets(each: int, stall: float | None) -> Iterator[Placed]:
    """Equal shares, and a longer queue in one; with a stall, that one's first ticket is long."""
    first = [] if stall is None else [(STALLED, str(stall))]
    return chain(first, evenly(8, each, str(NAP)), ((STALLED, str(NAP)) for _ in range(BEHIND)))


def others(journal: Path) -> list[Handled]:
    """What the partitions that never stall have done."""
    lines = [line for file in journal.iterdir() for line in file.read_text().splitlines()]
    found = [Handled(*map(int, line.split())) for line in lines]
    return [one for one in found if one.partition != STALLED]


def rate(found: list[Handled]) -> float:
    times = [one.at_ns for one in found]
    return len(found) / (max(times) - min(times)) * 1e9


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seconds", [5, pytest.param(60, marks=pytest.mark.slow)])
def test_the_others(
    kafka: Broker, make_topic: Callable[..., str], group: str, contenders: Contenders,
    figures: Figures, tmp_path: Path, seconds: int,
) -> None:  # fmt: skip
    each = seconds * PACE

    def others_rate(name: str, stall: float | None) -> float:
        (journal := tmp_path / name).mkdir()
        topic = make_topic(8)
        write(kafka, topic, tickets(each, stall))
        service = contenders.run(
            "nap_noted", topic, f"{group}-{name}", "--workers", "2",
            environment={"JOURNAL": str(journal)},
        )  # fmt: skip
        eventually(lambda: len(others(journal)) == 7 * each, seconds=seconds * 3 + 30, every=0.5)
        service.signal(SIGTERM)
        service.expect(0, 90)
        return rate(others(journal))

    found = figures.alternate(
        1,
        {
            "steady": lambda turn: others_rate(turn, None),
            "stalled": lambda turn: others_rate(turn, seconds),
        },
    )
    report(figures, found["steady"][0], found["stalled"][0], seconds)


def report(figures: Figures, steady: float, stalled: float, seconds: int) -> None:
    lost = 1 - stalled / steady
    figures.tell(
        f"one partition stalls for {seconds} s, the other seven",
        f"{stalled:,.0f}/s, without the stall {steady:,.0f}/s: {lost:.1%} lost",
        f"< {LIMIT:.0%} lost",
        lost < LIMIT,
        lost=lost,
    )
    assert lost < CEILING
