"""How much memory a backlog takes: the supervisor's with slow handlers, a worker's with none.

Peaks as the kernel counted them (VmHWM), shared libraries included. What it does not
prove: anything about large records; buffers are bounded in bytes as well.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from signal import SIGTERM

import pytest

from benchmarks.figures import Figures
from benchmarks.measure import peak_mib
from tests.run.listener import Listener
from tests.support import Command, eventually

SUPERVISOR_MIB, WORKER_MIB = 250, 60
CEILING = 2.0  # times the target


@pytest.mark.timeout(600)
@pytest.mark.parametrize("count", [300_000, pytest.param(2_000_000, marks=pytest.mark.slow)])
def test_peak(
    topic: str, group: str, run: Callable[..., Command], produce: Callable[..., Command],
    figures: Figures, listener: Listener, count: int,
) -> None:  # fmt: skip
    produce(topic, "--rate", "0", "--count", str(count)).expect(0, 120)

    def once() -> tuple[float, float]:
        slow = run("doze", topic, f"{group}-slow", "--workers", "2", "--http", listener.address)
        supervisor = full(slow, listener)
        quick = run("noop", topic, f"{group}-quick", "--workers", "2", "--until-caught-up")
        return supervisor, busiest_worker(quick)

    supervisor, worker = figures.once(once)
    figures.tell(
        f"memory, backlog of {count:,}",
        f"supervisor with slow handlers {supervisor:.0f} MiB, a worker with a no-op handler "
        f"{worker:.0f} MiB",
        f"≤ {SUPERVISOR_MIB} MiB and ≤ {WORKER_MIB} MiB",
        supervisor <= SUPERVISOR_MIB and worker <= WORKER_MIB,
        supervisor_mib=supervisor,
        worker_mib=worker,
    )
    assert supervisor <= CEILING * SUPERVISOR_MIB
    assert worker <= CEILING * WORKER_MIB


def full(service: Command, listener: Listener) -> float:
    """The supervisor's peak once it asks Kafka for no more than a record now and then."""
    read: list[int] = []

    def sated() -> bool:
        partitions = listener.status()["partitions"]
        read.append(sum(p["processed"] + p["in_flight"] + p["buffered"] for p in partitions))
        return len(read) > 10 and 0 < read[-1] < read[-10] + 500  # of looks, half a second apart

    eventually(sated, seconds=60, every=0.5)
    peak = peak_mib(service.pid)
    service.signal(SIGTERM)
    service.expect(0)
    return peak


def busiest_worker(service: Command) -> float:
    """The largest peak of its workers, while they work off the whole backlog."""
    peaks = [0.0]
    while service.running:
        with suppress(OSError):  # the last one may end while we look
            peaks += [peak_mib(child.pid) for child in service.children()]
        time.sleep(0.01)  # leave the cores to them
    service.expect(0)
    return max(peaks)
