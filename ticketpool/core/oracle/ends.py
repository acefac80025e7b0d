"""Assignments begin where the last one left off, and end with nothing running."""

from ticketpool.core.events import Assigned, Closing, Lost, Revoked
from ticketpool.core.oracle.deliveries import place_of
from ticketpool.core.oracle.lives import Doubt, Epoch, Member, Place, offset_of
from ticketpool.core.oracle.runs import Runs
from ticketpool.core.oracle.verdict import Findings, Seen

PATIENCE_NS = 30_000_000_000
"""A lane that has records and does nothing for so long stands still. Only another
lane's call may hold one up for long, by holding Python's lock."""


class Ends:
    """*I5* and *I6* between assignments, *I10*, and the start of each assignment."""

    def __init__(self, findings: Findings, runs: Runs) -> None:
        self._findings = findings
        self._runs = runs

    def assigned(self, seen: Seen, event: Assigned, member: Member, place: Place) -> Place:
        """A partition comes to a member. Returns its place: a new one when it begins anew."""
        if event.start is None and place.confirmed is not None:
            self._findings.resets += 1
            place = Place(place.group, place.topic, place.number)
        epoch = Epoch(member, place, seen, event.start)
        member.epochs[epoch.number] = epoch
        for older in place.epochs:
            if older.member is member and older.ended is None:
                words = "the partition was assigned again without having been given up"
                self._accuse("I6", words, epoch, older.assigned, seen)
        place.epochs.append(epoch)
        if event.start is not None:
            epoch.begin_at(event.start)
            self._check_start(seen, event.start, epoch)
            place.believe(event.start)
            place.confirm(event.start)
        return place

    def _check_start(self, seen: Seen, start: int, epoch: Epoch) -> None:
        place = epoch.place
        earlier = [one.assigned for one in place.epochs[:-1]]
        if place.confirmed is not None and start < place.confirmed:
            words = f"read again from {start} although {place.confirmed} was committed"
            self._accuse("I5", words, epoch, *earlier[-1:], seen)
        elif earlier and start > (place.sent or 0):
            words = (
                f"read from {start} although no commit beyond {place.sent or 0} was sent: a "
                "member of the group left no log here, or what lies between is lost"
            )
            self._accuse("I1", words, epoch, *earlier[-1:], seen)

    def closing(self, seen: Seen, event: Closing, epoch: Epoch) -> None:
        """A lane is to stop: did it stand still?"""
        life = epoch.lives[-1] if epoch.lives else None
        if life is None or not life.waiting or event.at - life.moved_at < PATIENCE_NS:
            return
        if not any(one.running for one in epoch.member.living[life.pid]):
            seconds = (event.at - life.moved_at) / 1e9
            words = f"the lane had records and stood still for {seconds:.0f} s"
            self._accuse("I10", words, epoch, seen)

    def ended(self, seen: Seen, event: Revoked | Lost, epoch: Epoch) -> None:
        """A partition is given up."""
        for running in epoch.runs():
            words = f"offset {offset_of(running)} was still running when the partition was given up"
            self._accuse("I6", words, epoch, running, seen)
        epoch.ended = seen

    # -- at the end of the logs -----------------------------------------------------------

    def judge(self, place: Place) -> None:
        """Were repetitions and overlaps due to a fault?"""
        for epoch in place.epochs:
            excuse = epoch.excuse()
            for doubt in epoch.doubts:
                self._judge_repeated(doubt, excuse or doubt.otherwise)
            if epoch.overtaken is not None and epoch.zombie:
                self._judge_zombie(epoch, epoch.overtaken, excuse)

    def _judge_repeated(self, doubt: Doubt, excuse: str | None) -> None:
        if excuse is not None:
            self._findings.duplicates[excuse] += 1
            return
        offset = offset_of(doubt.seen)
        words = f"offset {offset} was handled again after its partition was given up in order"
        self._runs.repeated(doubt.seen, doubt.life, words)

    def _judge_zombie(self, epoch: Epoch, overtaken: Seen, excuse: str | None) -> None:
        if excuse is None:
            words = "another process ran the partition before this one had given it up"
            self._accuse("I6", words, epoch, overtaken, *epoch.zombie)
            return
        lasted = epoch.zombie[-1].event.at - overtaken.event.at
        if lasted > 0:  # else it was cut off, as far as is known
            self._findings.zombies += 1
            self._findings.zombie_ns = max(self._findings.zombie_ns, lasted)

    def _accuse(self, invariant: str, words: str, epoch: Epoch, *evidence: Seen) -> None:
        self._findings.accuse(invariant, words, *evidence, **place_of(epoch))
