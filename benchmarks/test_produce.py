"""``produce --rate 0`` with two processes against a bare confluent-kafka loop in two.

The two take turns on the same broker; only their ratio means something on a
machine that does other work too.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import bare_producer
from benchmarks.figures import Figures
from benchmarks.measure import ratios, spread
from tests.broker import Broker
from tests.support import Command

COUNT = 300_000
ROUNDS = 5
TARGET = 0.9
FLOOR = 0.7  # leaves room for the noise of a shared machine


def _bare(kafka: Broker, topic: str) -> float:
    """Tickets a second of two bare loops, from the first one's start to the last one's end."""
    loops = [
        subprocess.Popen(
            [sys.executable, bare_producer.__file__, kafka.bootstrap, topic, str(COUNT // 2), slot],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[1],
            text=True,
        )
        for slot in ("0", "1")
    ]
    for loop in loops:
        assert loop.stdout is not None
        assert loop.stdout.readline() == "ready\n"
    for loop in loops:
        assert loop.stdin is not None
        loop.stdin.write("go\n")
        loop.stdin.flush()
    return _rate([loop.communicate(timeout=60)[0].split() for loop in loops])


def _rate(results: list[list[str]]) -> float:
    assert sum(int(delivered) for delivered, _, _ in results) == COUNT
    began = min(float(start) for _, start, _ in results)
    return COUNT / (max(float(end) for _, _, end in results) - began)


def _ours(kafka: Broker, topic: str, command: Callable[..., Command]) -> float:
    summary = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--rate", "0",
        "--count", str(COUNT), "--keys", str(bare_producer.KEYS), "--workers", "2", "--json",
    ).expect(0).json()  # fmt: skip
    assert summary["delivered"] == COUNT
    return float(summary["rate_per_s"])


@pytest.mark.timeout(300)
def test_full_speed(
    kafka: Broker, topic: str, command: Callable[..., Command], figures: Figures
) -> None:
    _ours(kafka, topic, command)  # the broker's own first steps are not to count
    found = figures.alternate(
        ROUNDS,
        {"ours": lambda _: _ours(kafka, topic, command), "bare": lambda _: _bare(kafka, topic)},
    )
    ratio, ours, bare = ratios(found["ours"], found["bare"]), *map(spread, found.values())
    figures.tell(
        "produce --rate 0, two processes against two bare loops",
        f"{ours.median:,.0f}/s of {bare.median:,.0f}/s, ratio {ratio:.2f}",
        f"ratio ≥ {TARGET}",
        ratio.median >= TARGET,
        ratio=ratio.median,
        ours_per_s=ours.median,
        bare_per_s=bare.median,
    )
    assert ratio.median >= FLOOR
