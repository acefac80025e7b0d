"""What the oracle remembers: members, their assignments, and the lanes that served them."""

from collections.abc import Collection
from typing import NamedTuple

from ticketpool.core.events import Lost
from ticketpool.core.oracle.verdict import CUT_OFF, EXAMPLES, LOST, REFUSED, SUDDEN, Seen
from ticketpool.core.order import Numbers


class Member:
    """A supervisor. ``at``: when it began; ``last_at``: its last event."""

    def __init__(self, name: str, group: str, at: int) -> None:
        self.name = name
        self.group = group
        self.stopped = False
        self.last_at = self.workers_last_at = at
        self.epochs: dict[int, Epoch] = {}
        self.lives: dict[int, Life] = {}  # by lane number
        self.living: dict[int, list[Life]] = {}  # by the pid of a worker that is not dead


class Place:
    """A partition, for one group.

    Attributes:
        seen: offsets whose handler was called.
        finished: offsets that are handled, dead-lettered or skipped.
        failing: offsets whose last call failed, and which were not passed over since.
        given_up: offsets that failed for good; what lies behind them may be finished first.
        top: the handled record with the highest offset.
        ran: lanes whose handlers were called, in order of their first call.
        runner: the lane that called a record's handler, handled it or passed it over last, of
            records not committed past: the others come again only if something is wrong already.
        epochs: its assignments, in order.
        confirmed: highest commit that the broker is known to hold.
        sent: highest commit that it may hold.
        first: where the first assignment began.
        missed: records that are known to stand there, were committed past, and not finished.
    """

    def __init__(self, group: str, topic: str, number: int) -> None:
        self.group = group
        self.topic = topic
        self.number = number
        self.seen = Numbers()
        self.finished = Numbers()
        self.failing: set[int] = set()
        self.given_up: set[int] = set()
        self.top: Seen | None = None
        self.ran: list[Life] = []
        self.runner: dict[int, Life] = {}
        self.epochs: list[Epoch] = []
        self.confirmed: int | None = None
        self.sent: int | None = None
        self.first: int | None = None
        self.missed: set[int] = set()

    def confirm(self, offset: int) -> None:
        """The broker holds this commit, or has held it."""
        self.confirmed = max(offset, self.confirmed or 0)
        self.sent = max(offset, self.sent or 0)
        self.runner = {at: life for at, life in self.runner.items() if at >= self.confirmed}

    def holds(self, offset: int) -> None:
        """A record stands there in Kafka. Was it passed over?"""
        if self.first is not None and self.confirmed is not None:
            if self.first <= offset < self.confirmed and offset not in self.finished:
                self.missed.add(offset)

    def believe(self, start: int) -> None:
        """The group is to read from here on: so what was to be committed up to there, was, and
        the rest was not and will not be."""
        for epoch in self.epochs:
            for offset, letters in epoch.letters.items():
                for letter in letters if offset <= start else ():
                    self.pass_over(letter)
            epoch.letters.clear()

    def pass_over(self, offset: int) -> None:
        """There is a dead letter of it, or it was skipped."""
        self.given_up.add(offset)
        self.finished.add(offset)
        self.failing.discard(offset)

    def last_life(self, offset: int) -> "Life":
        """The lane that ran a record last."""
        return self.runner.get(offset) or next(
            life for life in reversed(self.ran) if life.low <= offset <= life.top
        )


class Epoch:
    """One assignment of a partition to a member.

    Attributes:
        settled: next offset to be settled; a new lane begins there.
        high: next offset that was never sent to any lane.
        frontier: lowest offset that is not known to be finished; ``None`` before any is known.
        jumps: stretches without records, first offset to last.
        ended: ``Revoked`` or ``Lost``.
        commit: the last one sent; ``confirmed``: the highest one confirmed.
        letters: by offset of a commit that was not answered yet, the records whose dead letters
            are written in the same transaction.
        foreign: offsets whose commit was sent after a later assignment elsewhere.
        beyond: commits past the frontier, with their offsets.
        doubts: records handled again that only this assignment's end may excuse.
        overtaken: the first call of a handler in a later assignment while this one had not ended.
        zombie: what ran here when it was overtaken, and afterwards; the first few and the last.
    """

    def __init__(self, member: Member, place: Place, assigned: Seen, start: int | None) -> None:
        self.member = member
        self.place = place
        self.assigned = assigned
        self.number: int = assigned.event.epoch  # type: ignore[union-attr,assignment]
        self.settled = self.high = self.frontier = start
        self.jumps: dict[int, int] = {}
        self.lives: list[Life] = []
        self.ended: Seen | None = None
        self.abandoned = False
        self.commit: Seen | None = None
        self.committed: int | None = None
        self.confirmed: int | None = None
        self.letters: dict[int, set[int]] = {}
        self.foreign: dict[int, Seen] = {}
        self.beyond: list[tuple[Seen, int]] = []
        self.doubts: list[Doubt] = []
        self.overtaken: Seen | None = None
        self.overtook = False
        self.zombie: list[Seen] = []
        self.waits_since: int | None = None  # for its worker's replacement

    def begin_at(self, offset: int) -> None:
        """The first offset is known, in an assignment without a start."""
        if self.frontier is None:
            self.settled = self.high = self.frontier = offset
        if self.place.first is None:
            self.place.first = offset

    def skip(self, offset: int) -> int:
        """The first offset from here on at which there may be a record."""
        while offset in self.jumps:
            offset = self.jumps[offset] + 1
        return offset

    def advance(self) -> int | None:
        """Move the frontier over what is finished; return it."""
        self.frontier = self._past(self.frontier, ())
        return self.frontier

    def reach(self, letters: Collection[int]) -> int | None:
        """Where the frontier will be once these are dead letters."""
        return self._past(self.advance(), letters)

    def _past(self, at: int | None, letters: Collection[int]) -> int | None:
        finished, jumps = self.place.finished, self.jumps
        while at is not None and (at in finished or at in jumps or at in letters):
            at = jumps[at] + 1 if at in jumps else at + 1
        return at

    def forget_jumps(self) -> None:
        """Drop those that lie behind everything that may still come."""
        floor = min(self.frontier or 0, self.settled or 0)
        self.jumps = {first: last for first, last in self.jumps.items() if last >= floor}

    def excuse(self) -> str | None:
        """The fault that explains why some of its records are handled again, if there was one."""
        if self.ended is None and not self.member.stopped:
            return SUDDEN
        if self.ended is not None and isinstance(self.ended.event, Lost):
            return LOST
        if self.abandoned:
            return CUT_OFF
        return REFUSED if self.confirmed != self.committed else None

    def haunt(self, seen: Seen) -> None:
        """A handler was called or ended here although another member has begun there."""
        if len(self.zombie) > EXAMPLES:
            self.zombie[-1] = seen
        else:
            self.zombie.append(seen)

    def runs(self) -> list[Seen]:
        """What is running now, as far as is known."""
        return [life.running for life in self.lives if life.running is not None]


class Life:
    """A lane in one worker process.

    Attributes:
        position: next offset that may be sent; ``None`` before anything was.
        low, top: first and last record begun; none yet: ``low > top``.
        running: the handler's call that has not ended.
        failed: the record begun last has failed and was not begun again yet.
        exited: its worker's death; ``settled``: next offset to be settled, at that time.
        left: its worker has handed it back.
        moved_at: when it was sent something, or began or ended something.
    """

    def __init__(self, epoch: Epoch, number: int, pid: int, opened_at: int) -> None:
        self.epoch = epoch
        self.number = number
        self.pid = pid
        self.position: int | None = None
        self.low, self.top = 0, -1
        self.running: Seen | None = None
        self.failed = False
        self.exited: Seen | None = None
        self.left: Seen | None = None
        self.settled: int | None = None
        self.moved_at = opened_at

    @property
    def waiting(self) -> bool:
        """Whether it has records and does nothing, not even wait for a retry."""
        undone = self.position is not None and self.position > max(
            self.top + 1, self.epoch.settled or 0
        )
        over = self.exited is not None or self.left is not None
        return undone and not over and self.running is None and not self.failed

    def is_running(self, offset: int) -> bool:
        """Whether the handler's call for this offset has not ended."""
        return self.running is not None and offset_of(self.running) == offset

    def unsettled_at_death(self, offset: int) -> bool:
        """Whether its worker died before this record was settled."""
        return self.exited is not None and offset >= (self.settled or 0)


class Doubt(NamedTuple):
    """A record is handled again: the call, its lane, and the cause if there is no better one."""

    seen: Seen
    life: Life
    otherwise: str | None


def offset_of(seen: Seen) -> int:
    """Of a run's event."""
    offset: int = seen.event.offset  # type: ignore[union-attr]
    return offset
