"""A handler that blocks for 5 ms: eight partitions on two workers against the ideal.

Each partition is a queue of its own, so eight of them can do 8 / 5 ms and no more,
however many workers there are.
"""

import pytest

from benchmarks.backlog import evenly, write
from benchmarks.contenders import Contenders
from benchmarks.figures import Figures
from benchmarks.measure import spread
from tests.broker import Broker

SECONDS = 0.005
IDEAL = 8 / SECONDS
TARGET = 0.95
FLOOR = 0.5


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("each", "rounds"), [(1_000, 1), pytest.param(4_000, 5, marks=pytest.mark.slow)]
)
def test_share_of_the_ideal(
    kafka: Broker, topic: str, group: str, contenders: Contenders, figures: Figures,
    each: int, rounds: int,
) -> None:  # fmt: skip
    write(kafka, topic, evenly(8, each, str(SECONDS)))
    found = figures.alternate(
        rounds,
        {
            "ours": lambda turn: contenders.ours(
                "nap", topic, f"{group}-{turn}", 8 * each, "--workers", "2"
            )
        },
    )
    share = spread(rate / IDEAL for rate in found["ours"])
    figures.tell(
        "blocking handler (sleep 5 ms), 8 partitions, 2 workers",
        f"{share.median * IDEAL:,.0f}/s of the ideal {IDEAL:,.0f}/s, share {share:.3f}",
        f"share ≥ {TARGET}",
        share.median >= TARGET,
        share=share.median,
    )
    assert share.median >= FLOOR
