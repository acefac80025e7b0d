"""A backlog through ``ticketpool run`` with a handler that does nothing, against a bare loop.

What it does not prove: anything about a handler that works. Then more workers are
faster than one loop; here all that counts is what the way to them costs. The two take
turns on the same broker; only their ratio means something on a machine that does
other work too.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks import bare_consumer
from tests.broker import Broker
from tests.support import Command

ROUNDS = 3
FLOOR = 0.3  # loose: two workers, the supervisor and the broker share two cores or worse


def bare(kafka: Broker, topic: str, count: int, group: str) -> float:
    """Tickets a second of the bare loop."""
    line = [sys.executable, bare_consumer.__file__, kafka.bootstrap, topic, str(count), group]
    done = subprocess.run(
        line, capture_output=True, text=True, timeout=90, cwd=Path(__file__).parents[1]
    )
    assert done.returncode == 0, done.stderr
    return count / float(done.stdout)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("count", [300_000, pytest.param(2_000_000, marks=pytest.mark.slow)])
def test_backlog(
    kafka: Broker, topic: str, group: str, run: Callable[..., Command],
    produce: Callable[..., Command], benchmark: BenchmarkFixture,
    capsys: pytest.CaptureFixture[str], count: int,
) -> None:  # fmt: skip
    produce(topic, "--rate", "0", "--count", str(count)).expect(0)
    rates: list[tuple[float, float]] = []

    def ours(name: str) -> float:
        service = run("noop", topic, name, "--workers", "2", "--until-caught-up", "--json")
        told = service.expect(0, 90).json()
        assert told["processed"] == count
        return float(count / told["seconds"])

    def both() -> None:
        turn = len(rates)
        rates.append((ours(f"{group}-{turn}"), bare(kafka, topic, count, f"{group}-bare-{turn}")))

    benchmark.pedantic(both, rounds=ROUNDS)  # type: ignore[no-untyped-call]
    ratio = median(ours / bare for ours, bare in rates)
    ours_per_s, bare_per_s = (median(each) for each in zip(*rates, strict=True))
    benchmark.extra_info |= {"ratio": ratio, "ours_per_s": ours_per_s, "bare_per_s": bare_per_s}
    with capsys.disabled():
        print(f"\nrun: {ours_per_s:,.0f}/s, bare loop: {bare_per_s:,.0f}/s, ratio {ratio:.2f}")
    assert ratio >= FLOOR
