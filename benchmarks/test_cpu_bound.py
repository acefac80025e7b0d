"""A handler that keeps a core busy for about 80 µs: two workers against one bare loop.

What it does not prove: that more workers than cores help. The broker and the supervisor
need some of the two cores as well, so twice the loop is out of reach here.
"""

import pytest

from benchmarks.backlog import evenly, write
from benchmarks.contenders import Contenders
from benchmarks.figures import Figures
from benchmarks.measure import ratios, spread, work_for
from tests.broker import Broker

MICROS = 80
TARGET = 1.65
FLOOR = 0.8


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("each", "rounds"), [(2_500, 3), pytest.param(15_000, 7, marks=pytest.mark.slow)]
)
def test_two_workers(
    kafka: Broker, topic: str, group: str, contenders: Contenders, figures: Figures,
    each: int, rounds: int,
) -> None:  # fmt: skip
    write(kafka, topic, evenly(8, each))
    work, count = {"WORK": str(work_for(MICROS))}, 8 * each
    two = ("--workers", "2")
    found = figures.alternate(
        rounds,
        {
            "ours": lambda turn: contenders.ours(
                "spin", topic, f"{group}-{turn}", count, *two, environment=work
            ),
            "bare": lambda turn: contenders.bare(
                topic, f"{group}-{turn}", count, "spin", environment=work
            ),
        },
    )
    ratio, ours, bare = ratios(found["ours"], found["bare"]), *map(spread, found.values())
    figures.tell(
        "CPU-bound handler (80 µs), 2 workers against the bare loop",
        f"{ours.median:,.0f}/s of {bare.median:,.0f}/s, ratio {ratio:.2f}",
        f"ratio ≥ {TARGET}",
        ratio.median >= TARGET,
        ratio=ratio.median,
        ours_per_s=ours.median,
        bare_per_s=bare.median,
    )
    assert ratio.median >= FLOOR
