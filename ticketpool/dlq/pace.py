"""So many letters a second."""

import time
from collections.abc import Callable


class Pace:
    """So many a second, evenly; after a wait it does not catch up. ``rate`` 0: no limit."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._step = 1 / rate if rate else 0.0
        self._clock = clock
        self._due = clock()

    def next(self) -> None:
        """One was written: the next is due a step later."""
        self._due = max(self._due, self._clock() - self._step) + self._step

    def left(self) -> float:
        """Seconds until the next is due, 0 when it is."""
        return max(self._due - self._clock(), 0.0) if self._step else 0.0
