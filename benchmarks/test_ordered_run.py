"""A hundred tickets a second through four workers: in order, at that pace, and how soon.

Producer, broker and service share this machine; the latencies hold all of them,
from the ticket's making to the handler's first line.
"""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from signal import SIGTERM
from statistics import quantiles
from typing import NamedTuple

import pytest

from benchmarks.figures import Figures
from tests.support import Command, eventually

RATE = 100


class Handled(NamedTuple):
    """A line of the handler ``time_it``."""

    partition: int
    offset: int
    micros: int


def handled(journal: Path) -> list[Handled]:
    """All lines of all workers; those of one partition in the order of writing."""
    lines = [line for file in journal.iterdir() for line in file.read_text().splitlines()]
    return [Handled(*map(int, line.split())) for line in lines]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("seconds", [5, pytest.param(60, marks=pytest.mark.slow)])
def test_100_a_second(
    topic: str, group: str, run: Callable[..., Command], produce: Callable[..., Command],
    journal: Path, figures: Figures, seconds: int,
) -> None:  # fmt: skip
    service = run("time_it", topic, group, "--workers", "4")
    service.await_event("ready")

    def once() -> float:
        made = produce(topic, "--rate", str(RATE), "--duration", str(seconds)).expect(0, 90).json()
        eventually(lambda: len(handled(journal)) >= made["delivered"], every=0.01)
        return float(made["rate_per_s"])

    rate = figures.once(once)
    service.signal(SIGTERM)
    service.expect(0)
    assert rate == pytest.approx(RATE, rel=0.01)
    assert_ordered(handled(journal), RATE * seconds)
    told = latencies(handled(journal))
    shown = ", ".join(f"{name} {value:.1f} ms" for name, value in told.items())
    figures.tell(
        "ordered run at 100 tickets a second, 4 workers",
        f"{rate:.2f}/s, all in order; produced to handled: {shown}",
        "99 to 101/s, in order",
        True,  # asserted above
        rate_per_s=rate,
        **told,
    )


def assert_ordered(lines: list[Handled], count: int) -> None:
    """Each ticket once, and all offsets of each partition in order."""
    offsets = defaultdict(list)
    for line in lines:
        offsets[line.partition].append(line.offset)
    assert len(lines) == count
    assert all(found == list(range(len(found))) for found in offsets.values())


def latencies(lines: list[Handled]) -> dict[str, float]:
    """In milliseconds."""
    millis = [line.micros / 1000 for line in lines]
    cuts = quantiles(millis, n=100)
    return {"p50": cuts[49], "p99": cuts[98], "max": max(millis)}
