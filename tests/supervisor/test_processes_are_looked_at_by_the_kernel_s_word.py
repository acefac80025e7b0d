"""Memory, CPU time and age of a worker are the kernel's figures, and CPU time never falls.

In doubt because a slot's process changes, and ``/proc`` is text that anything may be written into.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable

import psutil

from tests.support import eventually
from ticketpool.supervisor.vitals import Vital, Vitals, look

BUSY = """
import ctypes, time
ctypes.CDLL(None).prctl(15, b") R 1 (x", 0, 0, 0)
end = time.process_time() + 0.3
while time.process_time() < end: pass
print(1, flush=True)
time.sleep(60)
"""


def test_they_are_what_others_read_too() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None
            child.stdout.readline()
            vital, other = look(child.pid), psutil.Process(child.pid)
            assert vital is not None
            times = other.cpu_times()
            assert 0.3 <= vital.cpu_seconds <= times.user + times.system
            assert abs(vital.rss_bytes - other.memory_info().rss) < 4 << 20
            assert abs(vital.uptime_seconds - (time.time() - other.create_time())) < 2
        finally:
            child.kill()


def test_a_process_that_is_gone_has_none() -> None:
    with subprocess.Popen(["true"]) as child:
        pass
    eventually(lambda: not psutil.pid_exists(child.pid))
    assert look(child.pid) is None


def cpu(*figures: float) -> Callable[[int], Vital | None]:
    left = list(figures)
    return lambda pid: Vital(1 << 20, left.pop(0), 1.0) if left else None


def test_cpu_time_of_a_slot_goes_on_where_its_last_process_ended() -> None:
    vitals = Vitals(cpu(5.0, 7.0, 0.25))
    assert vitals.of(0, 11, 0.0)[1] == 5.0
    assert vitals.of(0, 11, 2.0)[1] == 7.0
    assert vitals.of(0, None, 4.0) == (None, 7.0)
    vital, total = vitals.of(0, 12, 6.0)  # looked at at once: it is new
    assert (vital and vital.cpu_seconds, total) == (0.25, 7.25)
    assert vitals.of(0, 12, 8.0)[1] == 7.25  # gone meanwhile: what was seen last


def test_a_process_is_looked_at_every_two_seconds_only() -> None:
    looks: list[int] = []

    def count(pid: int) -> Vital:
        looks.append(pid)
        return Vital(0, 0.0, 0.0)

    vitals = Vitals(count)
    for tenth in range(40):
        vitals.of(0, os.getpid(), tenth / 10)
    assert len(looks) == 3
