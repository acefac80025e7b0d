"""Fed every event of every process in order of time, it tells whether the promise held."""

from collections.abc import Callable, Iterable
from typing import Any

from ticketpool.core import events
from ticketpool.core.oracle.commits import Commits
from ticketpool.core.oracle.deliveries import Deliveries
from ticketpool.core.oracle.ends import Ends
from ticketpool.core.oracle.lives import Epoch, Life, Member, Place
from ticketpool.core.oracle.runs import Runs
from ticketpool.core.oracle.verdict import Findings, Seen, Verdict


class Oracle:
    """Checks the invariants of the promise over the trace logs of one machine.

    Feed it all events of all processes of a group, in order of time; then ask
    for the verdict, once. It holds a few bits per record.

    Invariant: a record counts as finished when its handler's return, its dead
    letter's acknowledgement or its being skipped was noted, and by nothing that
    was concluded from offsets.
    """

    def __init__(self) -> None:
        self._findings = Findings()
        self._deliveries = Deliveries(self._findings)
        self._runs = Runs(self._findings)
        self._commits = Commits(self._findings)
        self._ends = Ends(self._findings, self._runs)
        self._members: dict[str, Member] = {}
        self._workers: dict[str, str] = {}  # to the names of their supervisors
        self._places: dict[tuple[str, str, int], Place] = {}
        self._groups: set[str] = set()
        self._past: list[Place] = []  # of partitions that began anew
        self._placed: dict[type, Callable[[Seen, Any, Epoch], None]] = {
            events.Began: self._began,
            events.Opened: self._opened,
            events.Jumped: self._deliveries.jumped,
            events.Delivered: self._delivered,
            events.Settled: self._deliveries.settled,
            events.DeadLettered: self._passed,
            events.Skipped: self._passed,
            events.Committing: self._commits.committing,
            events.Abandoned: self._abandoned,
            events.Closing: self._ends.closing,
            events.HandedBack: self._handed_back,
            events.Revoked: self._ends.ended,
            events.Lost: self._ends.ended,
        }

    def feed(self, seen: Seen) -> None:
        """Take the next event."""
        event = seen.event
        if isinstance(event, events.Started | events.Ended):
            self._of_worker(seen, event)
        elif isinstance(event, events.Process):
            self._begin(seen, event)
        elif (member := self._members.get(seen.process)) is None:
            self._misfit("an event of a supervisor whose first line is missing", seen)
        else:
            member.last_at = event.at
            self._of_supervisor(seen, event, member)

    def _begin(self, seen: Seen, event: events.Process) -> None:
        if event.supervisor is None:
            self._members[seen.process] = Member(seen.process, event.group, event.at)
            self._groups.add(event.group)
        elif event.supervisor in self._members:
            self._workers[seen.process] = event.supervisor
        else:
            self._misfit(f"the log of {event.supervisor} is missing, its worker's is here", seen)

    def _misfit(self, words: str, seen: Seen) -> None:
        self._findings.accuse("log", words, seen, process=seen.process)

    # -- workers --------------------------------------------------------------------------

    def _of_worker(self, seen: Seen, event: events.Started | events.Ended) -> None:
        member = self._members.get(self._workers.get(seen.process, ""))
        life = None if member is None else member.lives.get(event.lane)
        if member is None or life is None:
            self._misfit("a handler's call in a lane that no supervisor has opened", seen)
            return
        member.workers_last_at = event.at
        if isinstance(event, events.Started):
            self._runs.started(seen, event, life)
        else:
            self._runs.ended(seen, event, life)

    # -- supervisors ----------------------------------------------------------------------

    def _of_supervisor(self, seen: Seen, event: events.Event, member: Member) -> None:
        match event:
            case events.Assigned():
                self._assigned(seen, event, member)
            case events.Committed():
                place = self._place(member, event.topic, event.partition)
                epoch = None if event.epoch is None else member.epochs.get(event.epoch)
                self._commits.committed(seen, event, place, epoch)
            case events.WorkerExited():
                self._runs.worker_exited(seen, event, member)
            case events.Stopped():
                member.stopped = True
            case _:
                self._of_epoch(seen, event, member)

    def _of_epoch(self, seen: Seen, event: Any, member: Member) -> None:
        epoch = member.epochs.get(event.epoch)
        if epoch is None:
            self._misfit(f"an event of assignment {event.epoch}, which did not begin", seen)
        else:
            self._placed[type(event)](seen, event, epoch)

    def _place(self, member: Member, topic: str, number: int) -> Place:
        key = member.group, topic, number
        if key not in self._places:
            self._places[key] = Place(*key)
        return self._places[key]

    def _assigned(self, seen: Seen, event: events.Assigned, member: Member) -> None:
        before = self._place(member, event.topic, event.partition)
        after = self._ends.assigned(seen, event, member, before)
        if after is not before:
            self._past.append(before)
            self._places[member.group, event.topic, event.partition] = after

    def _began(self, seen: Seen, event: events.Began, epoch: Epoch) -> None:
        epoch.begin_at(event.offset)

    def _opened(self, seen: Seen, event: events.Opened, epoch: Epoch) -> None:
        life = Life(epoch, event.lane, event.pid, event.at)
        epoch.lives.append(life)
        epoch.member.lives[event.lane] = life
        epoch.member.living.setdefault(event.pid, []).append(life)

    def _delivered(self, seen: Seen, event: events.Delivered, epoch: Epoch) -> None:
        life = epoch.member.lives.get(event.lane)
        if life is None or life.epoch is not epoch:
            self._misfit(f"records were sent to lane {event.lane}, which was not opened", seen)
        else:
            self._deliveries.delivered(seen, event, epoch, life)

    def _handed_back(self, seen: Seen, event: events.HandedBack, epoch: Epoch) -> None:
        life = epoch.member.lives.get(event.lane)
        if life is None or life.epoch is not epoch:
            self._misfit(f"lane {event.lane} was handed back, which was not opened", seen)
        else:
            life.left = seen

    def _passed(
        self, seen: Seen, event: events.DeadLettered | events.Skipped, epoch: Epoch
    ) -> None:
        place = epoch.place
        place.pass_over(event.offset)
        if epoch.lives:
            place.runner[event.offset] = epoch.lives[-1]

    def _abandoned(self, seen: Seen, event: events.Abandoned, epoch: Epoch) -> None:
        epoch.abandoned = True

    # -- the verdict ----------------------------------------------------------------------

    def holds(self, topic: str, partition: int, offset: int) -> None:
        """Kafka holds a record there, as somebody has read after all events were fed: it is
        not among those that the log lacks."""
        for group in self._groups:
            if place := self._places.get((group, topic, partition)):
                place.holds(offset)

    def verdict(self) -> Verdict:
        """Judge what was fed. Call it once, at the end."""
        places = [*self._past, *self._places.values()]
        for place in places:
            self._ends.judge(place)
            self._commits.account(place)
        members = self._members.values()
        return Verdict(
            **self._findings.fields(),
            **_records(places, self._findings.lost_unseen),
            supervisors=len(members),
            workers=len(self._workers),
            partitions=len(self._places),
            sudden_ends=sum(not member.stopped for member in members),
            outlived_ms=round(max(map(_outlived_ns, members), default=0) / 1e6, 3),
        )


def _records(places: Iterable[Place], lost_unseen: int) -> dict[str, Any]:
    """Counts of distinct records, as fields of ``Verdict``."""
    places = list(places)
    finished = sum(place.finished.count for place in places)
    unfinished = sum(place.seen.count_without(place.finished) for place in places)
    return {
        "produced": finished + unfinished + lost_unseen,
        "records": sum(place.seen.count for place in places),
        "processed": finished,
        "unfinished": unfinished,
    }


def _outlived_ns(member: Member) -> int:
    """How long its workers' events go on after its own last one."""
    return max(member.workers_last_at - member.last_at, 0)
