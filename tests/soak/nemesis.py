"""Makes the faults of a plan happen, and undoes them in time."""

import contextlib
import heapq
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from signal import SIGCONT, SIGKILL, SIGSTOP

import psutil

from tests.soak.members import Member, Place
from tests.soak.plan import Fault

Say = Callable[[str], None]
Undo = Callable[[], None]


class Nemesis:
    """One thread: it does what is due, and waits while a broker stops or starts.

    A fault whose victim is away is left out, so the plan goes on as drawn.

    Attributes:
        done, left_out: faults by name.
    """

    def __init__(self, place: Place, members: Sequence[Member], say: Say) -> None:
        self._place, kafka = place, place.kafka
        self._members = members
        self._say = say
        self._undoings: list[tuple[float, int, Undo]] = []
        self._numbers = count()
        self.done: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self._deeds: dict[str, Callable[[Fault], Undo | None]] = {
            "kill worker": self._kill_worker,
            "stop worker": self._stop_worker,
            "kill supervisor": self._kill_supervisor,
            "end supervisor": self._end_supervisor,
            "stop supervisor": self._stop_supervisor,
            "restart broker": lambda fault: self._break_broker(kafka.stop, kafka.start),
            "kill broker": lambda fault: self._break_broker(kafka.kill, kafka.start),
            "pause broker": lambda fault: self._break_broker(kafka.pause, kafka.resume),
        }

    def run(self, faults: Iterator[Fault], seconds: float, tick: Callable[[], None]) -> None:
        """For so long; ``tick`` is called a few times a second."""
        began, fault = time.monotonic(), next(faults)
        while (since := time.monotonic() - began) < seconds:
            while fault.at <= since:
                self._do(fault)
                fault = next(faults)
            self._undo(time.monotonic())
            for member in self._members:
                member.tend()
            tick()
            time.sleep(0.1)

    def end(self) -> None:
        """Undo all that is still to be undone."""
        self._undo(float("inf"))

    def _do(self, fault: Fault) -> None:
        if not self._may(fault):
            self.left_out[fault.what] += 1
            return
        name = "" if "broker" in fault.what else f" {self._members[fault.member].name}"
        self._say(f"fault: {fault.what}{name}, {fault.seconds:g} s")
        self.done[fault.what] += 1
        undo = self._deeds[fault.what](fault)
        if undo is not None:
            due = time.monotonic() + fault.seconds
            heapq.heappush(self._undoings, (due, next(self._numbers), undo))

    def _may(self, fault: Fault) -> bool:
        if "broker" in fault.what:
            return self._place.broker_back <= time.monotonic()
        member = self._members[fault.member]
        return member.up and ("worker" not in fault.what or bool(member.workers()))

    def _undo(self, now: float) -> None:
        while self._undoings and self._undoings[0][0] <= now:
            heapq.heappop(self._undoings)[-1]()

    # -- deeds: each returns how it is undone, if it has to be ---------------------------

    def _worker(self, fault: Fault) -> psutil.Process:
        workers = self._members[fault.member].workers()
        return workers[fault.worker % len(workers)]

    def _kill_worker(self, fault: Fault) -> None:
        _signal(self._worker(fault), SIGKILL)

    def _stop_worker(self, fault: Fault) -> Undo:
        worker = self._worker(fault)
        _signal(worker, SIGSTOP)
        return lambda: _signal(worker, SIGCONT)

    def _kill_supervisor(self, fault: Fault) -> None:
        self._members[fault.member].kill(fault.seconds)

    def _end_supervisor(self, fault: Fault) -> None:
        self._members[fault.member].end(fault.seconds)

    def _stop_supervisor(self, fault: Fault) -> Undo:
        member = self._members[fault.member]
        member.stop()
        return member.go_on

    def _break_broker(self, down: Callable[[], None], up: Callable[[], None]) -> Undo:
        self._place.broker_back = float("inf")
        down()

        def mend() -> None:
            up()
            self._place.broker_back = time.monotonic()

        return mend


def _signal(process: psutil.Process, number: int) -> None:
    """To that process, not to another one with its pid (psutil compares the start)."""
    with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
        process.send_signal(number)
