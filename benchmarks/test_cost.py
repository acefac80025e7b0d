"""What a record costs in CPU time on each side of the pipes, with a handler that does nothing.

What it does not prove: a rate. CPU time is steadier than the clock on a machine that
does other work too, but caches and frequency still move it; start-up is in it.
"""

from collections.abc import Callable

import psutil
import pytest

from tests.broker import Broker
from tests.support import Command

COUNT = 1_000_000
CEILING_US = 10.0  # far above what is seen: it fails for a blunder, not for noise


def cpu_seconds(process: psutil.Process) -> float:
    """User and system time so far; of a process that has just ended, nothing new."""
    times = process.cpu_times()
    return float(times.user + times.system)


@pytest.mark.timeout(300)
def test_cost(
    kafka: Broker, topic: str, group: str, run: Callable[..., Command],
    produce: Callable[..., Command], capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    produce(topic, "--rate", "0", "--count", str(COUNT)).expect(0)
    service = run("noop", topic, group, "--workers", "2", "--until-caught-up", "--json")
    supervisor = psutil.Process(service.pid)
    workers: dict[int, float] = {}
    ours = 0.0
    while service.running:
        try:
            ours = cpu_seconds(supervisor)
            workers |= {child.pid: cpu_seconds(child) for child in supervisor.children()}
        except psutil.NoSuchProcess:
            continue
    assert service.expect(0).json()["processed"] == COUNT
    per_record = [seconds / COUNT * 1e6 for seconds in (ours, sum(workers.values()))]
    with capsys.disabled():
        print(
            f"\ncost of a record, start-up included: supervisor {per_record[0]:.2f} µs "
            f"(librdkafka's threads too), workers {per_record[1]:.2f} µs (decoding too)"
        )
    assert max(per_record) < CEILING_US
