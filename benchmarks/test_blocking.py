"""A handler that blocks for 5 ms: eight partitions on two workers against the ideal.

Each partition is a queue of its own, so eight of them can do 8 / 5 ms and no more,
however many workers there are. A sleep takes somewhat longer than it says, and much
longer where others want the cores: eight plain threads that only sleep show how long.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks.backlog import evenly, write
from benchmarks.contenders import Contenders
from benchmarks.figures import Figures
from benchmarks.measure import ratios, spread
from tests.broker import Broker

SECONDS = 0.005
PARTITIONS = 8
IDEAL = PARTITIONS / SECONDS
TARGET = 0.95
FLOOR = 0.5  # of the plain threads


def threads(each: int) -> float:
    """Naps a second of so many plain threads as there are partitions."""

    def sleep_all(_: int) -> None:
        for _ in range(each):
            time.sleep(SECONDS)

    began = time.monotonic()
    with ThreadPoolExecutor(PARTITIONS) as pool:
        list(pool.map(sleep_all, range(PARTITIONS)))
    return PARTITIONS * each / (time.monotonic() - began)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("each", "rounds"), [(1_000, 1), pytest.param(4_000, 5, marks=pytest.mark.slow)]
)
def test_share_of_the_ideal(
    kafka: Broker, topic: str, group: str, contenders: Contenders, figures: Figures,
    each: int, rounds: int,
) -> None:  # fmt: skip
    write(kafka, topic, evenly(PARTITIONS, each, str(SECONDS)))
    found = figures.alternate(
        rounds,
        {
            "ours": lambda turn: contenders.ours(
                "nap", topic, f"{group}-{turn}", PARTITIONS * each, "--workers", "2"
            ),
            "threads": lambda _: threads(each),
        },
    )
    share = spread(rate / IDEAL for rate in found["ours"])
    plain = spread(found["threads"])
    figures.tell(
        "blocking handler (sleep 5 ms), 8 partitions, 2 workers",
        f"{share.median * IDEAL:,.0f}/s of the ideal {IDEAL:,.0f}/s, share {share:.3f}; "
        f"plain threads that only sleep {plain.median:,.0f}/s",
        f"share ≥ {TARGET}",
        share.median >= TARGET,
        share=share.median,
    )
    assert ratios(found["ours"], found["threads"]).median >= FLOOR
