"""Handlers that wait 5 ms: their share of what eight partitions can do at all."""

from collections.abc import Callable

import pytest

from benchmarks.backlog import evenly, write
from benchmarks.figures import Figures
from benchmarks.measure import Spread, ratios, spread
from tests.broker import Broker

SECONDS = 0.005
PARTITIONS = 8
TARGET = 0.95

_IDEAL = PARTITIONS / SECONDS

short_and_full = pytest.mark.parametrize(
    ("each", "rounds"), [(1_000, 1), pytest.param(4_000, 5, marks=pytest.mark.slow)]
)
"""How many naps for each partition, and how often."""

Start = Callable[[str, str, int], float]
"""``start(topic, turn, count)``: naps a second of ours."""


def share_of_the_ideal(
    kafka: Broker, topic: str, figures: Figures, what: str, ours: Start,
    plain: tuple[str, Callable[[int], float]], *, each: int, rounds: int,
) -> Spread:  # fmt: skip
    """Measure and tell; the ratio to something plain.

    Args:
        plain: what it is called, and naps a second of it when it takes so many for
            each partition.
    """
    write(kafka, topic, evenly(PARTITIONS, each, str(SECONDS)))
    name, naps = plain
    found = figures.alternate(
        rounds,
        {
            "ours": lambda turn: ours(topic, turn, PARTITIONS * each),
            name: lambda _: naps(each),
        },
    )
    share, other = spread(rate / _IDEAL for rate in found["ours"]), spread(found[name])
    figures.tell(
        what,
        f"{share.median * _IDEAL:,.0f}/s of the ideal {_IDEAL:,.0f}/s, share {share:.3f}; "
        f"plain {name} that only sleep {other.median:,.0f}/s",
        f"share ≥ {TARGET}",
        share.median >= TARGET,
        share=share.median,
    )
    return ratios(found["ours"], found[name])
