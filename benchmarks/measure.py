"""Medians and spread, CPU time and memory of processes, work of a known length."""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.handlers import burn

_PROBE = 20_000
_PROBES = 30


class Spread(NamedTuple):
    """What several rounds gave. ``f"{spread:.2f}"`` shows all three."""

    median: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        low, high = format(self.low, spec), format(self.high, spec)
        return f"{format(self.median, spec)} ({low} to {high})"


def spread(values: Iterable[float]) -> Spread:
    """Median, least and most of them."""
    found = list(values)
    return Spread(median(found), min(found), max(found))


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Of the pairs of each round: what slows a whole round down cancels out."""
    return spread(one / other for one, other in zip(ours, theirs, strict=True))


def work_for(micros: float) -> int:
    """How far ``handlers.spin`` has to count for so long, at this machine's best.

    The work is fixed and not the time: two workers that share a core must pay for it.
    """
    return round(_PROBE * micros * 1000 / min(_burning_ns(_PROBE) for _ in range(_PROBES)))


def _burning_ns(work: int) -> int:
    began = time.perf_counter_ns()
    burn(work)
    return time.perf_counter_ns() - began


def cpu_seconds(pid: int) -> float:
    """CPU time of all its threads so far, to the nanosecond; ``cpu_times`` counts in 10 ms."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def peak_mib(pid: int) -> float:
    """The most resident memory that the process has had. Raises ``OSError`` when it is gone."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    peaks = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    if not peaks:
        raise ProcessLookupError(pid)  # a zombie has no memory any more
    return peaks[0] / 1024
