"""The supervisors under soak: started, hurt, started again, every end of theirs accounted for."""

import time
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM, Signals

import psutil

from tests.broker import Broker
from tests.faults.kinds import USUAL
from tests.run.journal import Journal
from tests.support import Command

WORKERS = 2
HANDLER_TIMEOUT = 10.0
DRAIN_SECONDS = 10.0
_RESTART_SECONDS = 1.0  # what a service manager would wait


class Place:
    """Where a soak happens: the broker, its names, and the folder with all evidence.

    Attributes:
        broker_back: when the broker began to answer again; infinite while it is away.
    """

    def __init__(self, kafka: Broker, folder: Path, topic: str, seed: int) -> None:
        self.kafka = kafka
        self.broker_back = 0.0
        self.folder = folder
        self.topic = topic
        self.group = f"{topic}-group"
        self.traces = folder / "traces"
        self.journal = Journal(folder / "journal")
        self.environment = {"JOURNAL": str(self.journal.folder), "SOAK_SEED": str(seed)}

    def start(self) -> Command:
        """One more supervisor of the group."""
        return Command(
            "run", "soak_handlers:handle", "--bootstrap-servers", self.kafka.bootstrap,
            "--topic", self.topic, "--group", self.group, "--workers", str(WORKERS),
            "--handler-timeout", str(HANDLER_TIMEOUT), "--drain-timeout", str(DRAIN_SECONDS),
            "--http", "off", "--trace-log", str(self.traces), *USUAL.options(""),
            folder=self.folder, environment=self.environment,
        )  # fmt: skip


class Member:
    """A place in the group that is taken by one supervisor after another.

    Attributes:
        service: the supervisor of now, or the last one.
        problems: ends that nobody asked for, or with the wrong exit code.
    """

    def __init__(self, name: str, place: Place) -> None:
        self.name = name
        self._place = place
        self._start()
        self.problems: list[str] = []
        self.codes: list[int] = []
        self._stopped = False
        self._expected: tuple[int, ...] | None = None  # exit codes, once its end was asked for
        self._absent = 0.0  # seconds until the next one starts

    def _start(self) -> None:
        self._again_at: float | None = None
        self._started_at = time.monotonic()
        self.service = self._place.start()

    @property
    def up(self) -> bool:
        """It runs, is not stopped, and nobody asked for its end."""
        return self.service.running and not self._stopped and self._expected is None

    def workers(self) -> list[psutil.Process]:
        """Its workers now, by age."""
        try:
            return sorted(self.service.children(), key=lambda one: (one.create_time(), one.pid))
        except psutil.NoSuchProcess:
            return []

    def kill(self, absent: float) -> None:
        """SIGKILL; another one starts after so many seconds."""
        self._end(SIGKILL, (-SIGKILL,), absent)

    def end(self, absent: float = 0.0, codes: tuple[int, ...] = (0, 6)) -> None:
        """SIGTERM; another one starts so many seconds after its end.

        Exit code 6 tells that its drain was cut off, which a broker that is away may do.
        One that has not said a word may still be loading Python, where SIGTERM is deadly.
        """
        deadly = () if self.service.stderr else (-SIGTERM,)
        self._end(SIGTERM, (*codes, *deadly), absent)

    def _end(self, number: Signals, codes: tuple[int, ...], absent: float) -> None:
        self._expected, self._absent = codes, absent
        self.service.signal(number)

    def stop(self) -> None:
        """SIGSTOP."""
        self._stopped = True
        self.service.signal(SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        if self._stopped:
            self._stopped = False
            self.service.signal(SIGCONT)

    def tend(self) -> None:
        """Note an end; start another one when it is time."""
        if self._again_at is not None:
            if time.monotonic() >= self._again_at:
                self._start()
        elif not self.service.running:
            self._note_end(self.service.wait(0))
            self._again_at = time.monotonic() + max(self._absent, _RESTART_SECONDS)
            self._absent = 0.0

    def _note_end(self, code: int) -> None:
        self.codes.append(code)
        if code not in (self._expected or ()) and not self._found_no_broker(code):
            asked = f"expected {self._expected}" if self._expected else "unasked"
            last = (self.service.stderr.strip().splitlines() or [""])[-1]
            self.problems.append(f"{self.name}: exit code {code}, {asked}: {last[:500]}")
        self._expected, self._stopped = None, False

    def _found_no_broker(self, code: int) -> bool:
        """Nobody answered when it began: exit code 3 is the contract; it is started again."""
        away = self._place.broker_back >= self._started_at
        return code == 3 and away and not self.service.events("assigned")

    def be_up(self) -> bool:
        """``tend`` without a wait, and whether it is up now. For the end of the faults."""
        if self._again_at is not None:
            self._again_at = time.monotonic()
        self._absent = 0.0
        self.tend()
        return self.up

    def finish(self) -> None:
        """SIGTERM, its exit code noted, nobody after it."""
        self.end(codes=(0,))
        self.service.wait(DRAIN_SECONDS + 30)
        self._note_end(self.service.wait(0))

    def close(self) -> None:
        """SIGKILL if it still runs."""
        self.service.close()
