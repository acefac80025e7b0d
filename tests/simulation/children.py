"""Worker processes that are actors: the real lanes and the real ``_serve`` run in them."""

import signal
from collections import defaultdict
from typing import Any

from tests.simulation.broker import Entry, Log
from tests.simulation.kernel import Kernel, Process
from tests.simulation.pipes import Descriptors, End
from ticketpool.ipc.channel import Channel, Port
from ticketpool.ipc.frames import FromSupervisor, Hello, Ready
from ticketpool.worker import main, words

GARBAGE = b"\xff\xff\xff\xff\xff"


class Cells:
    """The shared words as the worker's side sees them; each store is a moment to die at."""

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker
        self.words: defaultdict[int, int] = defaultdict(int)

    def __getitem__(self, at: int) -> int:
        return self.words[at]

    def __setitem__(self, at: int, value: int) -> None:
        self._worker.step()
        self.words[at] = value


class Worker(Process):
    """A worker process.

    Attributes:
        status: exit status, once it is over.
        lanes: the logs of its lanes, by number.
        begun: last (offset, attempt) of each lane.
        results: the records that it has finished with.
        fuse: it dies at that many of its own steps from now; ``None``: lives.
        garble: its next frame is garbage.
        garbled: it has written garbage.
    """

    def __init__(self, world: Any, number: int, supervisor: Process) -> None:
        super().__init__(f"{supervisor.name}/w{number}")
        self.world = world
        self.pid = number
        self.supervisor = supervisor
        self.status: int | None = None
        self.cells = Cells(self)
        self.lanes: dict[int, Log] = {}
        self.begun: dict[int, tuple[int, int]] = {}
        self.results: list[Entry] = []
        self.fuse: int | None = None
        self.garble = self.garbled = False
        self.signals: list[int] = []  # that its supervisor sent
        self.fds: tuple[int, int] = (0, 0)
        self.warm = False

    def step(self) -> None:
        """Before everything that it does: a moment to die at."""
        kernel: Kernel = self.world.kernel
        kernel.check()
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse <= 0:
                self.die(-signal.SIGSEGV)
                kernel.check()

    def die(self, status: int) -> None:
        """It is dead now: pipes end, the pidfd tells, its words stay as they are."""
        if self.status is not None:
            return
        self.status = status
        self.world.oracle.worker_died(self)
        self.world.kernel.kill(self)
        descriptors: Descriptors = self.world.descriptors
        if self.fds[1] in descriptors.open:
            descriptors.close(self.fds[1])
        descriptors.changed()

    @property
    def spared(self) -> bool:
        """Its supervisor has killed it for reasons of its own: no record is to blame."""
        hung = signal.SIGUSR1 in self.signals or self.stopped_until > self.world.kernel.now
        return self.status == -signal.SIGKILL and bool(self.signals) and not hung | self.garbled

    def before_write(self, data: bytes) -> bytes:
        self.step()
        if self.garble:
            self.garble, self.garbled = False, True
            self.world.note("garbles", self.name)
            return GARBAGE
        return data

    @property
    def readable(self) -> bool:
        """As its pidfd."""
        return self.status is not None

    writable = False

    # -- what it runs ---------------------------------------------------------------------

    def run(self) -> None:
        """As ``ticketpool.worker.main.main``."""
        self.world.kernel.spawn(self, f"{self.name} life", self._show_life)
        port: Port[Any] = Port(self.fds[1], FromSupervisor)
        frames = port.frames()
        hello = next(frames, None)
        if isinstance(hello, Hello):
            self.world.kernel.sleep(self.world.rng.uniform(0.05, 0.4))
            port.send(Ready(True))
            self.warm = True
            handler = self.world.handler_of(self)
            main._serve(frames, handler, hello, port, self.cells)  # type: ignore[arg-type]
        self.die(0)

    def _show_life(self) -> None:
        while True:
            self.cells.words[words.LIFE] = int(self.world.kernel.now * 1e9)
            self.world.kernel.sleep(1.0)


class Words:
    """The shared words as the supervisor's side sees them."""

    def __init__(self, cells: Cells) -> None:
        self.cells: dict[int, int] | None = cells.words

    def close(self) -> None:
        self.cells = None


class Child:
    """``ticketpool.ipc.child.Child`` of a simulated worker."""

    peak_rss_bytes = 1 << 20

    def __init__(
        self,
        world: Any,
        module: str,
        incoming: Any,
        *,
        words: int,
        environment: dict[str, str],
        stdout: int | None = None,
    ) -> None:
        world.kernel.sleep(1e-3)  # fork and exec
        self._world = world
        self._worker = worker = world.new_worker()
        ours, theirs = worker.fds = world.descriptors.pair(world.rng.choice([600, 4_000, 60_000]))
        end: End = world.descriptors.open[theirs]
        end.before_write, end.before_part = worker.before_write, worker.step
        self.pid = worker.pid
        self.pidfd = world.descriptors.add(worker)
        self.channel: Channel[Any] = Channel(ours, incoming)
        self.words = Words(worker.cells)
        world.kernel.spawn(worker, worker.name, worker.run)

    def signal(self, number: signal.Signals) -> None:
        self._world.kernel.check()
        self._world.note("signal", self._worker.name, number.name)
        if self._worker.status is None:
            self._worker.signals.append(number)
        if number == signal.SIGKILL:
            delay = self._world.rng.choice([0.0, 1e-4, 3e-3])
            self._world.kernel.later(delay, lambda: self._worker.die(-number))

    def kill(self) -> None:
        self.signal(signal.SIGKILL)

    def dump(self) -> str:
        return ""

    def reap(self) -> int | None:
        status: int | None = self._worker.status
        return status

    def wait(self, seconds: float | None = None) -> int | None:
        kernel: Kernel = self._world.kernel
        until = None if seconds is None else kernel.now + seconds
        while self._worker.status is None and (until is None or kernel.now < until):
            self._world.descriptors.wait(None if until is None else until - kernel.now)
        return self.reap()

    def close(self) -> None:
        """As the real one: after it no descriptor is left."""
        self.channel.close()
        self.words.close()
        if self.pidfd >= 0:
            self._world.descriptors.close(self.pidfd)
            self.pidfd = -1


def running(worker: Worker) -> list[tuple[Log, int]]:
    """(log, offset) of what the words say that a worker is running."""
    cells = worker.cells.words
    found = []
    for at, number in cells.items():
        if at % words.STRIDE == words.LANE and number in worker.lanes:
            begun = cells.get(at - words.LANE + words.RUNNING, 0)
            if begun > cells.get(at - words.LANE + words.SETTLED, 0):
                found.append((worker.lanes[number], begun - 1))
    return found
