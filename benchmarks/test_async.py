"""An async handler that awaits 5 ms: eight partitions on one worker against the ideal.

All of them share one event loop. Its timers count milliseconds (libuv), so a sleep takes up to
one longer than it says: eight plain tasks on a uvloop that only sleep show how long.
"""

import asyncio
import time

import pytest
import uvloop

from benchmarks.backlog import evenly, write
from benchmarks.contenders import Contenders
from benchmarks.figures import Figures
from benchmarks.measure import ratios, spread
from tests.broker import Broker

SECONDS = 0.005
PARTITIONS = 8
IDEAL = PARTITIONS / SECONDS
TARGET = 0.95
FLOOR = 0.8  # of the plain tasks


def tasks(each: int) -> float:
    """Naps a second of so many plain tasks as there are partitions."""

    async def sleep_all() -> None:
        for _ in range(each):
            await asyncio.sleep(SECONDS)

    async def all_of_them() -> None:
        await asyncio.gather(*(sleep_all() for _ in range(PARTITIONS)))

    began = time.monotonic()
    uvloop.run(all_of_them())
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
                "nap_async", topic, f"{group}-{turn}", PARTITIONS * each, "--workers", "1"
            ),
            "tasks": lambda _: tasks(each),
        },
    )
    share = spread(rate / IDEAL for rate in found["ours"])
    plain = spread(found["tasks"])
    figures.tell(
        "async handler (await 5 ms), 8 partitions, 1 worker",
        f"{share.median * IDEAL:,.0f}/s of the ideal {IDEAL:,.0f}/s, share {share.median:.3f}; "
        f"plain tasks that only sleep {plain.median:,.0f}/s",
        f"share ≥ {TARGET}",
        share.median >= TARGET,
        share=share.median,
    )
    assert ratios(found["ours"], found["tasks"]).median >= FLOOR
