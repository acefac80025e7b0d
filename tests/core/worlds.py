"""A world of partitions, supervisors and workers, much simpler than ours.

It keeps the promise by construction and notes what ticketpool would note. It
remembers everything, so it knows what the oracle has to find.
"""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from ticketpool.core import events
from ticketpool.core.oracle import Seen

MILLISECOND = 1_000_000


class Log:
    """A partition: which offsets hold no record, what is committed, what became of each."""

    def __init__(self, number: int, missing: set[int]) -> None:
        self.number = number
        self.missing = missing
        self.committed: int | None = None
        self.owner: Lease | None = None
        self.finished: set[int] = set()
        self.last: dict[int, str] = {}  # what became of the last call


class Lease:
    """One assignment, with its lane in the worker."""

    def __init__(self, supervisor: "Supervisor", log: Log, epoch: int) -> None:
        self.supervisor = supervisor
        self.log = log
        self.epoch = epoch
        self.next = self.settled = log.committed  # to be read, to be settled
        self.taken = False  # the broker has given it to another, and we don't know yet
        self.buffer: list[int] = []
        self.window: list[int] = []  # sent, not settled
        self.held: list[int] = []  # dead letters to be written
        self.lane: int | None = None
        self.queue: list[int] = []  # in the worker, not begun
        self.running: int | None = None
        self.attempt = 0
        self.retrying: int | None = None
        self.done: list[tuple[int, bool]] = []  # finished, not acknowledged; whether dead
        self.sent: int | None = None

    @property
    def committable(self) -> int | None:
        return min(self.held) if self.held else self.settled


class Supervisor:
    """One process with one worker."""

    def __init__(self, name: str, pid: int) -> None:
        self.name = name
        self.pid = pid
        self.worker: str | None = None
        self.worker_pid = 0
        self.leases: list[Lease] = []


class World:
    """Everything that happens, as events in order of time.

    Attributes:
        seen: the events.
        repeated: first calls in a lane of records that had been called before and did not fail.
        too_far: for commits (by index in ``seen``) an offset that would pass an unfinished record.
    """

    def __init__(self, random: Random, partitions: int = 2) -> None:
        self.random = random
        self.seen: list[Seen] = []
        self.repeated = 0
        self.too_far: dict[int, int] = {}
        self.logs = [Log(n, self._missing()) for n in range(partitions)]
        self.supervisors: list[Supervisor] = []
        self._now = 1_000 * MILLISECOND
        self._lines: Counter[str] = Counter()
        self._pids = iter(range(100, 10_000))
        self._lanes = iter(range(1, 10_000))
        self._epochs = iter(range(1, 10_000))

    def _missing(self) -> set[int]:
        return {offset for offset in range(400) if self.random.random() < 0.05}

    def note(self, process: str, kind: Callable[..., Any], *fields: object) -> None:
        self._now += self.random.randrange(1, MILLISECOND)
        self._lines[process] += 1
        self.seen.append(Seen(process, self._lines[process], kind(self._now, *fields)))

    def _place(self, lease: Lease, kind: Callable[..., Any], *fields: object) -> None:
        name = lease.supervisor.name
        self.note(name, kind, "tickets", lease.log.number, lease.epoch, *fields)

    # -- processes ------------------------------------------------------------------------

    def begin(self) -> Supervisor:
        pid = next(self._pids)
        supervisor = Supervisor(f"supervisor-{pid}", pid)
        self.supervisors.append(supervisor)
        self.note(supervisor.name, events.Process, "supervisor", pid, "group", "clock")
        self.start_worker(supervisor)
        return supervisor

    def start_worker(self, supervisor: Supervisor) -> None:
        if supervisor.worker is None:
            pid = supervisor.worker_pid = next(self._pids)
            name = supervisor.worker = f"worker-{pid}"
            self.note(name, events.Process, "worker", pid, "group", "clock", 0, supervisor.name)
            for lease in supervisor.leases:
                self._open(lease)

    def kill_worker(self, supervisor: Supervisor) -> None:
        """It dies; what it had finished is read from its words, all but perhaps the last."""
        if supervisor.worker is None:
            return
        supervisor.worker = None
        leases = [lease for lease in supervisor.leases if lease.lane is not None]
        crashed = [self._bury(lease) for lease in leases]
        self.note(supervisor.name, events.WorkerExited, 0, supervisor.worker_pid, "SIGKILL")
        for lease, offset in zip(leases, crashed, strict=True):
            if offset is not None and self.random.random() < 0.2:
                self._give_up_for_deaths(lease)

    def _bury(self, lease: Lease) -> int | None:
        if lease.done and not lease.done[-1][1] and self.random.random() < 0.3:
            lease.done.pop()  # it died before it could say so
        self.settle(lease, "words")
        crashed = lease.running
        lease.buffer = lease.window + lease.buffer
        lease.window, lease.queue = [], []
        lease.lane = lease.running = lease.retrying = None
        return crashed

    def _give_up_for_deaths(self, lease: Lease) -> None:
        offset = lease.buffer.pop(0)
        lease.held.append(offset)
        lease.settled = offset + 1
        self._place(lease, events.Settled, offset, "deaths")

    def die(self, supervisor: Supervisor) -> None:
        """SIGKILL: no word more, and its last commit may or may not have arrived."""
        for lease in supervisor.leases:
            if not lease.taken and self.random.random() < 0.5:
                self.commit(lease, answered=False)
            if lease.log.owner is lease:
                lease.log.owner = None
        self.supervisors.remove(supervisor)

    def stop(self, supervisor: Supervisor) -> None:
        for lease in list(supervisor.leases):
            self.give_up(lease)
        self.note(supervisor.name, events.Stopped)
        self.supervisors.remove(supervisor)

    # -- assignments ----------------------------------------------------------------------

    def assign(self, supervisor: Supervisor, log: Log) -> None:
        if log.owner is not None or any(lease.log is log for lease in supervisor.leases):
            return
        lease = log.owner = Lease(supervisor, log, next(self._epochs))
        supervisor.leases.append(lease)
        self._place(lease, events.Assigned, log.committed)
        self._open(lease)

    def _open(self, lease: Lease) -> None:
        if lease.supervisor.worker is not None:
            lease.lane = next(self._lanes)
            self._place(lease, events.Opened, lease.lane, lease.supervisor.worker_pid)

    def take_away(self, lease: Lease) -> None:
        """The member is thought dead: its partition is another's, and it hears of it later."""
        if not lease.taken:
            lease.taken = True
            lease.log.owner = None

    def give_up(self, lease: Lease) -> None:
        if lease.taken:
            self._lose(lease)
        else:
            self._revoke(lease)
        lease.supervisor.leases.remove(lease)

    def _lose(self, lease: Lease) -> None:
        if lease.running is not None or lease.window:
            self.kill_worker(lease.supervisor)
        self._place(lease, events.Lost)

    def _revoke(self, lease: Lease) -> None:
        self._place(lease, events.Closing)
        if lease.running is not None:
            self.step(lease)
        self.settle(lease, "ack")
        if lease.held and self.random.random() < 0.3:
            self._place(lease, events.Abandoned)
        else:
            while lease.held:
                self.write_letter(lease)
        self.commit(lease, answered=True)
        lease.log.owner = None
        self._place(lease, events.Revoked)

    def hand_on(self, lease: Lease) -> None:
        """A pause or a move: the lane is closed at a record boundary, and opened anew."""
        if lease.lane is None:
            return
        if lease.running is not None:
            self.step(lease)
        self.settle(lease, "ack")
        self._place(lease, events.HandedBack, lease.lane)
        lease.buffer = lease.window + lease.buffer
        lease.window, lease.queue, lease.retrying = [], [], None
        self._open(lease)

    # -- records --------------------------------------------------------------------------

    def read(self, lease: Lease) -> None:
        if lease.next is None:
            lease.next = lease.settled = 0 if 0 not in lease.log.missing else 1
            while lease.next in lease.log.missing:
                lease.next = lease.settled = lease.next + 1
            self._place(lease, events.Began, lease.next)
        for _ in range(self.random.randrange(1, 6)):
            gap = lease.next
            while lease.next in lease.log.missing:
                lease.next += 1
            if lease.next > gap:
                self._place(lease, events.Jumped, gap, lease.next - 1)
            lease.buffer.append(lease.next)
            lease.next += 1

    def send(self, lease: Lease) -> None:
        if lease.lane is not None and lease.buffer:
            count = self.random.randrange(1, 5)
            chunk, lease.buffer = lease.buffer[:count], lease.buffer[count:]
            self._place(lease, events.Delivered, lease.lane, events.ranges(chunk))
            lease.queue += chunk
            lease.window += chunk

    def step(self, lease: Lease) -> None:
        """The lane begins a record, or ends the one at hand."""
        if lease.lane is None:
            return
        if lease.running is None:
            self._start(lease)
        else:
            self._end(lease)

    def _start(self, lease: Lease) -> None:
        if lease.retrying is not None:
            lease.running, lease.retrying = lease.retrying, None
        elif lease.queue:
            lease.running, lease.attempt = lease.queue.pop(0), 0
            self.repeated += lease.log.last.get(lease.running, "failed") != "failed"
        else:
            return
        lease.attempt += 1
        lease.log.last[lease.running] = "begun"
        self._call(lease, events.Started)

    def _call(self, lease: Lease, kind: Callable[..., Any], *fields: object) -> None:
        assert lease.supervisor.worker is not None
        where = (lease.lane, "tickets", lease.log.number, lease.running, lease.attempt)
        self.note(lease.supervisor.worker, kind, *where, *fields)

    def _end(self, lease: Lease) -> None:
        assert lease.running is not None
        failed = self.random.random() < 0.2
        self._call(lease, events.Ended, "failed" if failed else "ok")
        lease.log.last[lease.running] = "failed" if failed else "ok"
        if not failed:
            lease.log.finished.add(lease.running)
        if failed and lease.attempt < 3:
            lease.retrying = lease.running
        else:
            lease.done.append((lease.running, failed))
        lease.running = None

    def settle(self, lease: Lease, by: str) -> None:
        if not lease.done:
            return
        through = lease.done[-1][0]
        for offset, dead in lease.done:
            if dead and self.random.random() < 0.2:
                self._pass(lease, events.Skipped, offset)
            elif dead:
                lease.held.append(offset)
        lease.done = []
        lease.window = [offset for offset in lease.window if offset > through]
        lease.settled = through + 1
        self._place(lease, events.Settled, through, by)

    def write_letter(self, lease: Lease) -> None:
        if lease.held:
            self._pass(lease, events.DeadLettered, lease.held.pop(0))

    def _pass(self, lease: Lease, kind: Callable[..., Any], offset: int) -> None:
        lease.log.finished.add(offset)
        lease.log.last[offset] = "passed"
        self._place(lease, kind, offset)

    def commit(self, lease: Lease, *, answered: bool) -> None:
        offset = lease.committable
        if offset is None or offset == lease.sent:
            return
        unfinished = sorted({*lease.window, *lease.buffer, *lease.held} - lease.log.finished)
        if unfinished:
            self.too_far[len(self.seen)] = unfinished[0] + 1
        self._place(lease, events.Committing, offset)
        taken = not lease.taken and self.random.random() < 0.9
        if taken:
            lease.log.committed = offset
        lease.sent = offset if taken else None
        if answered:
            where = ("tickets", lease.log.number, lease.epoch, offset)
            self.note(lease.supervisor.name, events.Committed, *where, None if taken else "refused")
