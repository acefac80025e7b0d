"""What a record costs in CPU time on each side of the pipes, with a handler that does nothing.

What it does not prove: a rate. CPU time is steadier than the clock on a machine that
does other work too, but caches and frequency still move it; start-up is in it.
"""

import contextlib
from collections.abc import Callable

import psutil
import pytest

from benchmarks.figures import Figures
from tests.support import Command

COUNT = 1_000_000
TARGET_US = 2.5
CEILING_US = 10.0  # far above what is seen: it fails for a blunder, not for noise


def cpu_seconds(process: psutil.Process) -> float:
    """User and system time so far; of a process that has just ended, nothing new."""
    times = process.cpu_times()
    return float(times.user + times.system)


@pytest.mark.timeout(300)
def test_cost(
    topic: str, group: str, run: Callable[..., Command],
    produce: Callable[..., Command], figures: Figures,
) -> None:  # fmt: skip
    produce(topic, "--rate", "0", "--count", str(COUNT)).expect(0)
    service = run("noop", topic, group, "--workers", "2", "--until-caught-up", "--json")
    supervisor, workers = (s / COUNT * 1e6 for s in figures.once(lambda: consumed(service)))
    assert service.expect(0).json()["processed"] == COUNT
    figures.tell(
        "CPU time of a record, no-op handler, start-up included",
        f"supervisor {supervisor:.2f} µs (librdkafka's threads too), "
        f"workers {workers:.2f} µs (decoding too)",
        f"supervisor ≤ {TARGET_US} µs",
        supervisor <= TARGET_US,
        supervisor_us=supervisor,
        workers_us=workers,
    )
    assert max(supervisor, workers) < CEILING_US


def consumed(service: Command) -> tuple[float, float]:
    """CPU seconds of the supervisor and of all its workers until the service ends."""
    supervisor, ours = psutil.Process(service.pid), 0.0
    workers: dict[int, float] = {}
    while service.running:
        with contextlib.suppress(psutil.NoSuchProcess):
            ours = cpu_seconds(supervisor)
            workers |= {child.pid: cpu_seconds(child) for child in supervisor.children()}
    return ours, sum(workers.values())
