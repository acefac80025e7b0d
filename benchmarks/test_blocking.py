"""A handler that blocks for 5 ms: eight partitions on two workers against the ideal.

Each partition is a queue of its own, so eight of them can do 8 / 5 ms and no more,
however many workers there are. A sleep takes somewhat longer than it says, and much
longer where others want the cores: eight plain threads that only sleep show how long.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks.contenders import Contenders
from benchmarks.figures import Figures
from benchmarks.naps import PARTITIONS, SECONDS, share_of_the_ideal, short_and_full
from tests.broker import Broker

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
@short_and_full
def test_share_of_the_ideal(
    kafka: Broker, topic: str, group: str, contenders: Contenders, figures: Figures,
    each: int, rounds: int,
) -> None:  # fmt: skip
    def ours(topic: str, turn: str, count: int) -> float:
        return contenders.ours("nap", topic, f"{group}-{turn}", count, "--workers", "2")

    what = "blocking handler (sleep 5 ms), 8 partitions, 2 workers"
    ratio = share_of_the_ideal(
        kafka, topic, figures, what, ours, ("threads", threads), each=each, rounds=rounds
    )
    assert ratio.median >= FLOOR
