"""Samples of what a process has, every two seconds, in a thread of their own."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable

import psutil

from tests.soak.slope import Sample

EVERY_SECONDS = 2.0
_MIB = 2**20

MEASURES: dict[str, Callable[[psutil.Process], float]] = {
    "RSS (MiB)": lambda process: process.memory_info().rss / _MIB,
    "descriptors": lambda process: process.num_fds(),
    "threads": lambda process: process.num_threads(),
    "children": lambda process: len(process.children()),
}


class Sampler:
    """Begins at once. A process that has gone is sampled no more: the gates then miss samples.

    Attributes:
        samples: of each measure, in order of time.
    """

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._over = threading.Event()
        self.samples: dict[str, list[Sample]] = defaultdict(list)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def last(self) -> str:
        """The latest figures in words."""
        found = ((name, series[-1][1]) for name, series in list(self.samples.items()) if series)
        return ", ".join(f"{name} {value:.4g}" for name, value in found)

    def end(self) -> None:
        """Take no more."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                self._sample()
            except psutil.NoSuchProcess:
                return
            self._over.wait(EVERY_SECONDS)

    def _sample(self) -> None:
        now = time.monotonic()
        values = {name: measure(self._process) for name, measure in MEASURES.items()}
        for name, value in values.items():
            self.samples[name].append((now, value))
