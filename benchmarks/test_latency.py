"""A hundred tickets a second: how much later than a bare loop do ours arrive?

Both read the same tickets at the same time, in groups of their own, and note each
ticket's age with the same handler. Producer, broker and both share this machine.
"""

from collections.abc import Callable
from pathlib import Path
from signal import SIGTERM
from statistics import quantiles
from typing import NamedTuple

import pytest

from benchmarks.contenders import Contenders
from benchmarks.figures import Figures
from tests.support import Command, eventually

RATE = 100
WORKERS = "4"
P50_MS, P99_MS = 1.0, 5.0  # may ours be later
CEILING = 10.0  # times the bare loop's median: it fails for a wait in the way, not for noise


class Latency(NamedTuple):
    """In milliseconds."""

    p50: float
    p99: float

    def __str__(self) -> str:
        return f"p50 {self.p50:.1f} ms, p99 {self.p99:.1f} ms"


def ages(journal: Path) -> list[int]:
    """What all processes that write there have noted, in microseconds."""
    return [int(line) for file in journal.iterdir() for line in file.read_text().split()]


def latency(journal: Path) -> Latency:
    cuts = quantiles(ages(journal), n=100)
    return Latency(cuts[49] / 1000, cuts[98] / 1000)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seconds", [5, pytest.param(120, marks=pytest.mark.slow)])
def test_beside_a_bare_loop(
    topic: str, group: str, contenders: Contenders, produce: Callable[..., Command],
    figures: Figures, tmp_path: Path, seconds: int,
) -> None:  # fmt: skip
    (theirs := tmp_path / "bare").mkdir()
    service = contenders.run("note_age", topic, group, "--workers", WORKERS)
    service.await_event("ready")
    warmed, count = RATE, RATE * (1 + seconds)
    loop = contenders.loop(
        topic, f"{group}-bare", count, "note_age", environment={"JOURNAL": str(theirs)}
    )
    write_at_pace(produce, topic, 1)  # both have joined and both are warm after these
    eventually(lambda: len(ages(theirs)) >= warmed <= len(ages(contenders.journal)), seconds=30)
    for folder in (theirs, contenders.journal):
        for file in folder.iterdir():
            file.write_text("")
    figures.once(lambda: write_at_pace(produce, topic, seconds))
    assert loop.wait(30) == 0
    eventually(lambda: len(ages(contenders.journal)) == len(ages(theirs)) == count - warmed)
    service.signal(SIGTERM)
    service.expect(0)
    report(figures, latency(contenders.journal), latency(theirs))


def write_at_pace(produce: Callable[..., Command], topic: str, seconds: int) -> None:
    told = produce(topic, "--rate", str(RATE), "--duration", str(seconds)).expect(0, 180).json()
    assert told["delivered"] == RATE * seconds


def report(figures: Figures, ours: Latency, bare: Latency) -> None:
    figures.tell(
        f"{RATE} tickets a second, produced to handled, {WORKERS} workers",
        f"{ours}; bare loop beside it: {bare}",
        f"p50 ≤ bare loop + {P50_MS:g} ms, p99 ≤ bare loop + {P99_MS:g} ms",
        ours.p50 <= bare.p50 + P50_MS and ours.p99 <= bare.p99 + P99_MS,
        p50_ms=ours.p50,
        p99_ms=ours.p99,
        bare_p50_ms=bare.p50,
        bare_p99_ms=bare.p99,
    )
    assert ours.p50 <= bare.p50 * CEILING
