"""Stories of one partition, told event by event, for the oracle to judge."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ticketpool.core import events
from ticketpool.core.oracle import Oracle, Seen, Verdict

SECOND = 1_000_000_000

Held = Sequence[tuple[int, int]]


class Story:
    """What supervisors A, B, … and their workers note, a millisecond apart.

    Each supervisor has one worker, A1 to begin with; a lane is named by its number.
    """

    def __init__(self, *members: str) -> None:
        self.seen: list[Seen] = []
        self.now = SECOND
        self.worker: dict[str, str] = {}
        self.epoch: Counter[str] = Counter()
        self.lane: Counter[str] = Counter()
        self._lines: Counter[str] = Counter()
        self._pids: dict[str, int] = {}
        for member in members or ("A",):
            self.member(member)

    def note(self, process: str, kind: Callable[..., Any], *fields: object) -> "Story":
        self.now += 1_000_000
        self._lines[process] += 1
        self.seen.append(Seen(process, self._lines[process], kind(self.now, *fields)))
        return self

    def wait(self, seconds: float) -> "Story":
        self.now += int(seconds * SECOND)
        return self

    def member(self, name: str) -> "Story":
        self.note(name, events.Process, "supervisor", 1, "g", "clock")
        return self.hire(name)

    def hire(self, member: str) -> "Story":
        """A new worker."""
        number = 1 + int(self.worker.get(member, f"{member}0").removeprefix(member))
        name = self.worker[member] = f"{member}{number}"
        self._pids[name] = len(self._pids) + 10
        return self.note(name, events.Process, "worker", self._pids[name], "g", "clock", 0, member)

    def place(self, member: str, kind: Callable[..., Any], *fields: object) -> "Story":
        return self.note(member, kind, "t", 0, self.epoch[member], *fields)

    def assign(self, member: str, start: int | None) -> "Story":
        self.epoch[member] += 1
        return self.place(member, events.Assigned, start).open(member)

    def open(self, member: str) -> "Story":
        self.lane[member] += 1
        pid = self._pids[self.worker[member]]
        return self.place(member, events.Opened, self.lane[member], pid)

    def send(self, member: str, first: int, last: int) -> "Story":
        return self.place(member, events.Delivered, self.lane[member], [(first, last)])

    def start(self, member: str, offset: int, attempt: int = 1) -> "Story":
        where = (self.lane[member], "t", 0, offset, attempt)
        return self.note(self.worker[member], events.Started, *where)

    def end(self, member: str, offset: int, outcome: str = "ok", attempt: int = 1) -> "Story":
        where = (self.lane[member], "t", 0, offset, attempt)
        return self.note(self.worker[member], events.Ended, *where, outcome)

    def run(self, member: str, offsets: Iterable[int]) -> "Story":
        for offset in offsets:
            self.start(member, offset).end(member, offset)
        return self

    def settle(self, member: str, through: int, by: str = "ack") -> "Story":
        return self.place(member, events.Settled, through, by)

    def commit(
        self, member: str, offset: int, error: str | None = None, held: Held = ()
    ) -> "Story":
        self.place(member, events.Committing, offset, list(held))
        return self.note(member, events.Committed, "t", 0, self.epoch[member], offset, error)

    def hand_back(self, member: str) -> "Story":
        """Its worker closes the lane."""
        return self.place(member, events.HandedBack, self.lane[member])

    def die(self, member: str) -> "Story":
        """Its worker dies."""
        pid = self._pids[self.worker[member]]
        return self.note(member, events.WorkerExited, 0, pid, "SIGKILL")

    def serve(self, member: str, first: int, last: int) -> "Story":
        """Send, run, settle and commit these records."""
        self.send(member, first, last).run(member, range(first, last + 1))
        return self.settle(member, last).commit(member, last + 1)

    def revoke(self, member: str) -> "Story":
        return self.place(member, events.Closing).place(member, events.Revoked)

    def lose(self, member: str) -> "Story":
        return self.place(member, events.Lost)

    def stop(self, member: str) -> "Story":
        return self.revoke(member).note(member, events.Stopped)

    def judged(self) -> Verdict:
        return judged(self.seen)


def judged(seen: Iterable[Seen]) -> Verdict:
    """The oracle's verdict on these events."""
    oracle = Oracle()
    for one in seen:
        oracle.feed(one)
    return oracle.verdict()
