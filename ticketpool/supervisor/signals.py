"""Signals set a flag and nothing else: an exception out of a handler while librdkafka's
client is being called would destroy the batch in flight."""

import signal
from types import FrameType


class StopSignals:
    """Counts SIGTERM and SIGINT: the first asks for a drain, the second for an end at once.

    A context manager; on leaving it the earlier handlers are back. Main thread only.
    """

    def __init__(self) -> None:
        self.count = 0
        self.last = ""
        self._earlier: dict[int, object] = {}

    def __enter__(self) -> "StopSignals":
        for number in (signal.SIGTERM, signal.SIGINT):
            self._earlier[number] = signal.signal(number, self._count)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _count(self, number: int, _: FrameType | None) -> None:
        self.count += 1
        self.last = signal.Signals(number).name

    def ask(self, why: str) -> None:
        """As a signal would; from any thread. ``why`` is what the log names instead of it."""
        self.count += 1
        self.last = why

    @property
    def stop(self) -> bool:
        """A stop has been asked for."""
        return self.count >= 1

    @property
    def at_once(self) -> bool:
        """A stop has been asked for twice."""
        return self.count >= 2
