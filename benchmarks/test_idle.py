"""What a supervisor and eight workers cost while there is nothing to do."""

import time
from collections.abc import Callable
from signal import SIGTERM

import pytest

from benchmarks.figures import Figures
from benchmarks.measure import cpu_seconds
from tests.run.listener import Listener
from tests.support import Command, eventually

WORKERS = 8
LIMIT = 0.01
CEILING = 0.1
SETTLE_SECONDS = 2  # the group's first steps, the workers' imports


def shares(pids: list[int], seconds: float) -> list[float]:
    """How much of a core each process uses over that time."""
    before, began = [cpu_seconds(pid) for pid in pids], time.monotonic()
    time.sleep(seconds)
    wall = time.monotonic() - began
    return [(cpu_seconds(pid) - b) / wall for pid, b in zip(pids, before, strict=True)]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("seconds", [5, pytest.param(30, marks=pytest.mark.slow)])
def test_cpu(
    topic: str, group: str, run: Callable[..., Command], figures: Figures, listener: Listener,
    seconds: int,
) -> None:  # fmt: skip
    service = run("noop", topic, group, "--workers", str(WORKERS), "--http", listener.address)
    service.await_event("ready")
    since = time.monotonic()
    eventually(lambda: time.monotonic() > since + SETTLE_SECONDS)
    pids = [service.pid, *(child.pid for child in service.children())]
    assert len(pids) == 1 + WORKERS
    supervisor, *workers = figures.once(lambda: shares(pids, seconds))
    total = supervisor + sum(workers)
    figures.tell(
        f"idle, supervisor and {WORKERS} workers",
        f"{total:.2%} of a core: supervisor {supervisor:.2%}, each worker at most "
        f"{max(workers):.2%}",
        f"≤ {LIMIT:.0%}",
        total <= LIMIT,
        total=total,
        supervisor=supervisor,
    )
    service.signal(SIGTERM)
    service.expect(0)
    assert total <= CEILING
