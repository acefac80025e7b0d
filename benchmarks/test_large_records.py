"""Records of 900 KB through the pipes, undecoded; the broker's own limit is 1 MiB."""

import random

import pytest

from benchmarks.backlog import write_raw
from benchmarks.contenders import Contenders
from benchmarks.figures import Figures
from benchmarks.measure import ratios, spread
from tests.broker import Broker

SIZE = 900_000
TARGET_MB = 100
FLOOR = 0.05  # of the bare loop, which has no pipe to send them through


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("count", "rounds"), [(160, 2), pytest.param(800, 5, marks=pytest.mark.slow)]
)
def test_megabytes(
    kafka: Broker, topic: str, group: str, contenders: Contenders, figures: Figures,
    count: int, rounds: int,
) -> None:  # fmt: skip
    value = random.randbytes(SIZE)
    write_raw(kafka, topic, (value for _ in range(count)), 8)
    found = figures.alternate(
        rounds,
        {
            "ours": lambda turn: contenders.ours(
                "weigh", topic, f"{group}-{turn}", count, "--workers", "2"
            ),
            "bare": lambda turn: contenders.bare(topic, f"{group}-{turn}", count, "weigh"),
        },
    )
    ours, bare = (spread(rate * SIZE / 1e6 for rate in rates) for rates in found.values())
    figures.tell(
        f"records of {SIZE // 1000} KB, 2 workers",
        f"{ours:,.0f} MB/s; the bare loop {bare:,.0f} MB/s",
        f"≥ {TARGET_MB} MB/s",
        ours.median >= TARGET_MB,
        mb_per_s=ours.median,
        bare_mb_per_s=bare.median,
    )
    assert ratios(found["ours"], found["bare"]).median >= FLOOR
