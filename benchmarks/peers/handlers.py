"""What every contender does with a decoded ticket: nothing, or a fixed piece of work.

``python -m benchmarks.peers.handlers MICROS`` prints the number of turns of ``spin`` that
take that long here, undisturbed. It is asked once a run, and all Python contenders then
get the same number: equal work, however busy the machine is.
"""

import os
import sys
import time
from collections.abc import Callable

from ticketpool.core.model import Ticket

LOOPS = "PEERS_LOOPS"
"""The variable that tells how often ``cpu`` turns."""

_loops = int(os.environ.get(LOOPS, "0"))


def noop(ticket: Ticket) -> None:
    """Nothing: what is left is the contender's own time."""


def cpu(ticket: Ticket) -> None:
    """The fixed piece of work, in pure Python: it holds the interpreter's lock throughout."""
    spin(_loops)


HANDLERS: dict[str, Callable[[Ticket], None]] = {"noop": noop, "cpu": cpu}


def spin(loops: int) -> int:
    """Turn that often; the sum is returned so that nothing can be left out."""
    total = 0
    for turn in range(loops):
        total = (total * 31 + turn) & 0xFFFF
    return total


def calibrated(micros: float, sample: int = 2000, tries: int = 300) -> int:
    """How many turns take ``micros``: by the shortest of many tries, that nothing interrupted."""
    return max(1, round(sample * micros / (min(_timed(sample) for _ in range(tries)) * 1e6)))


def _timed(loops: int) -> float:
    began = time.perf_counter()
    spin(loops)
    return time.perf_counter() - began


if __name__ == "__main__":
    print(calibrated(float(sys.argv[1])))
