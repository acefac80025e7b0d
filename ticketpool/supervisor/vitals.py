"""What the kernel tells of the workers' processes: memory, CPU time, age."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

_FRESH_SECONDS = 1.9  # one look takes some 20 µs, and there may be many workers
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Vital(NamedTuple):
    """A process at one time."""

    rss_bytes: int
    cpu_seconds: float
    uptime_seconds: float


def look(pid: int) -> Vital | None:
    """As ``/proc/PID/stat`` has it (proc_pid_stat(5)); ``None`` when the process is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = text[text.rindex(b")") + 2 :].split()  # its name may hold anything
    user, system, start, rss = (int(fields[i]) for i in (11, 12, 19, 21))
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - start / _TICKS
    return Vital(rss * _PAGE, (user + system) / _TICKS, round(max(age, 0.0), 2))


class _Seen:
    """The process now in a slot, and the CPU time of those before it."""

    def __init__(self) -> None:
        self.pid: int | None = None
        self.at = 0.0
        self.vital: Vital | None = None
        self.before = 0.0

    @property
    def cpu_seconds(self) -> float:
        return self.vital.cpu_seconds if self.vital is not None else 0.0


class Vitals:
    """*Supervisor side.* Looks at each slot's process every two seconds."""

    def __init__(self, look: Callable[[int], Vital | None] = look) -> None:
        self._look = look
        self._seen: dict[int, _Seen] = {}

    def of(self, slot: int, pid: int | None, now: float) -> tuple[Vital | None, float]:
        """The process, and the CPU seconds of all processes of the slot, which never fall.

        What a process uses between the last look and its end is not seen.
        """
        seen = self._seen.setdefault(slot, _Seen())
        if pid != seen.pid:
            seen.before += seen.cpu_seconds
            seen.pid, seen.vital, seen.at = pid, None, now - _FRESH_SECONDS
        if pid is not None and now - seen.at >= _FRESH_SECONDS:
            seen.vital, seen.at = self._look(pid) or seen.vital, now
        return seen.vital, round(seen.before + seen.cpu_seconds, 2)
