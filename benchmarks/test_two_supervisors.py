"""Two supervisors of one group with a worker each, against one supervisor with two.

That is how a pool grows beyond one process, or one machine. They join before the
backlog is written, so that no rebalance is in the figures.
"""

from collections.abc import Callable
from pathlib import Path
from signal import SIGTERM

import pytest

from benchmarks.backlog import evenly, write
from benchmarks.contenders import Contenders
from benchmarks.figures import Figures
from benchmarks.measure import ratios, spread, work_for
from benchmarks.presence import await_count, span_seconds
from tests.broker import Broker
from tests.faults.judge import held
from tests.support import Command, eventually

MICROS = 80
TARGET = 0.9
FLOOR = 0.5


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("each", "rounds"), [(2_500, 2), pytest.param(12_500, 5, marks=pytest.mark.slow)]
)
def test_against_one(
    kafka: Broker, make_topic: Callable[..., str], group: str, contenders: Contenders,
    figures: Figures, tmp_path: Path, each: int, rounds: int,
) -> None:  # fmt: skip
    environment = {"WORK": str(work_for(MICROS))}

    def rate(turn: str, supervisors: int) -> float:
        (journal := tmp_path / turn).mkdir()
        topic, workers = make_topic(8), str(2 // supervisors)
        services = [
            contenders.run(
                "spin_noted", topic, f"{group}-{turn}", "--workers", workers,
                environment=environment | {"JOURNAL": str(journal)},
            )
            for _ in range(supervisors)
        ]  # fmt: skip
        await_shares(services)
        write(kafka, topic, evenly(8, each))
        found = await_count(journal, 8 * each, 120)
        stop(services)
        return 8 * each / span_seconds(found)

    found = figures.alternate(
        rounds, {"two": lambda turn: rate(turn, 2), "one": lambda turn: rate(turn, 1)}
    )
    report(figures, found["two"], found["one"])


def report(figures: Figures, twos: list[float], ones: list[float]) -> None:
    ratio, two, one = ratios(twos, ones), spread(twos), spread(ones)
    figures.tell(
        "two supervisors with a worker each against one with two, CPU-bound (80 µs)",
        f"{two.median:,.0f}/s of {one.median:,.0f}/s, ratio {ratio:.2f}",
        f"ratio ≥ {TARGET}",
        ratio.median >= TARGET,
        ratio=ratio.median,
    )
    assert ratio.median >= FLOOR


def stop(services: list[Command]) -> None:
    for service in services:
        service.signal(SIGTERM)
    for service in services:
        service.expect(0)


def await_shares(services: list[Command]) -> None:
    """Each holds its share of the 8 partitions and is ready."""
    share = 8 // len(services)
    eventually(lambda: all(len(held(service)) == share for service in services), seconds=60)
    for service in services:
        service.await_event("ready")
