"""Contender's side: the job from the command line, a stopwatch, the one line of output."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from benchmarks.peers.handlers import HANDLERS
from ticketpool.core.model import Ticket

decode = msgspec.json.Decoder(Ticket).decode
"""The same decoder for every Python contender."""


@dataclass(frozen=True)
class Job:
    """What a contender is to do."""

    bootstrap: str
    topic: str
    count: int
    group: str
    handle: Callable[[Ticket], None]


def job() -> Job:
    """The job that ``sys.argv`` tells."""
    bootstrap, topic, count, group, handler = sys.argv[1:]
    return Job(bootstrap, topic, int(count), group, HANDLERS[handler])


class Stopwatch:
    """From the first record received to the last one handled."""

    def __init__(self, count: int) -> None:
        self._count = self.left = count
        self._began = self._seconds = 0.0

    def start(self) -> None:
        """A record has come. Only the first call counts."""
        self._began = self._began or time.monotonic()

    def handled(self, number: int) -> bool:
        """So many more are handled; tells whether that was all, and stops then."""
        self.left -= number
        if self.left <= 0 and not self._seconds:
            self._seconds = time.monotonic() - self._began
        return self.left <= 0

    def tell(self) -> None:
        """Print the line; call it once offsets are committed."""
        tell(self._count - self.left, self._seconds)


def tell(tickets: int, seconds: float) -> None:
    """Print the line of output."""
    print(json.dumps({"tickets": tickets, "seconds": seconds}), flush=True)
