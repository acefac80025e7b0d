"""SIGINT and SIGTERM as a number that a loop looks at."""

import signal
from types import FrameType
from typing import Any


class Signals:
    """*Main thread.* Counts SIGINT and SIGTERM instead of dying by them; a context manager.

    The handler only counts: whatever it interrupts goes on (PEP 475).
    """

    def __init__(self) -> None:
        self.count = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Signals":
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
