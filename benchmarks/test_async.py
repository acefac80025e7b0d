"""An async handler that awaits 5 ms: eight partitions on one worker against the ideal.

All of them share one event loop. Its timers count milliseconds (libuv), so a sleep takes up to
one longer than it says: eight plain tasks on a uvloop that only sleep show how long.
"""

import asyncio
import time

import pytest
import uvloop

from benchmarks.contenders import Contenders
from benchmarks.figures import Figures
from benchmarks.naps import PARTITIONS, SECONDS, share_of_the_ideal, short_and_full
from tests.broker import Broker

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
@short_and_full
def test_share_of_the_ideal(
    kafka: Broker, topic: str, group: str, contenders: Contenders, figures: Figures,
    each: int, rounds: int,
) -> None:  # fmt: skip
    def ours(topic: str, turn: str, count: int) -> float:
        return contenders.ours("nap_async", topic, f"{group}-{turn}", count, "--workers", "1")

    what = "async handler (await 5 ms), 8 partitions, 1 worker"
    ratio = share_of_the_ideal(
        kafka, topic, figures, what, ours, ("tasks", tasks), each=each, rounds=rounds
    )
    assert ratio.median >= FLOOR
