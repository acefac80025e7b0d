"""Calls of handlers: one at a time, in order, by one process, again only after a fault."""

from ticketpool.core.events import Ended, Started, WorkerExited
from ticketpool.core.oracle.deliveries import place_of
from ticketpool.core.oracle.lives import Doubt, Epoch, Life, Member, offset_of
from ticketpool.core.oracle.verdict import DEATH, Findings, Seen


class Runs:
    """*I2*, *I3*, *I6*, and *I5* as far as one assignment goes."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def started(self, seen: Seen, event: Started, life: Life) -> None:
        """A handler is called."""
        self._findings.calls += 1
        self._check_fences(seen, event.offset, life)
        self._check_turn(seen, event.offset, life)
        if event.offset != life.top:
            self._first(seen, event.offset, life)
        life.epoch.place.failing.discard(event.offset)
        life.running, life.failed = seen, False
        life.moved_at = event.at
        self._note_takeover(seen, life.epoch)

    def _check_fences(self, seen: Seen, offset: int, life: Life) -> None:
        epoch = life.epoch
        if life.exited is not None:
            words = "a handler was called in a worker that had been noted as dead"
            self._accuse("I6", words, life, offset, life.exited, seen)
        elif life.left is not None:
            words = "a handler was called in a lane that its worker had handed back"
            self._accuse("I6", words, life, offset, life.left, seen)
        elif epoch.ended is not None:
            words = "a handler was called after its partition was given up"
            self._accuse("I6", words, life, offset, epoch.ended, seen)
        if life.position is None or offset >= life.position:
            words = "a handler was called with a record that its lane had not been sent"
            self._accuse("I7", words, life, offset, seen)

    def _check_turn(self, seen: Seen, offset: int, life: Life) -> None:
        for running in life.epoch.runs():
            words = f"offset {offset} was begun while {offset_of(running)} had not ended"
            self._accuse("I2", words, life, offset, running, seen)
            if running.process != seen.process:
                self._accuse("I6", f"{words}, in another process", life, offset, running, seen)
        back = offset < life.top or (offset == life.top and not life.failed)
        if back and not life.is_running(offset):
            words = f"offset {offset} was begun although {life.top} had been begun in the same lane"
            self._accuse("I2", words, life, offset, seen)

    def _first(self, seen: Seen, offset: int, life: Life) -> None:
        """The first call with this record in its lane."""
        epoch = life.epoch
        place = epoch.place
        if life.failed:  # and was not tried again: a dead letter, or skipped
            place.given_up.add(life.top)
        if life.low > life.top:
            life.low = offset
            place.ran.append(life)
        if offset > life.top and offset in place.seen and offset not in place.failing:
            self._explain(seen, offset, life)
        place.seen.add(offset)
        place.runner[offset] = life
        life.low, life.top = min(life.low, offset), max(life.top, offset)
        if epoch.waits_since is not None:
            self._findings.resumed_ns.append(seen.event.at - epoch.waits_since)
            epoch.waits_since = None

    def _explain(self, seen: Seen, offset: int, life: Life) -> None:
        """A record that was handled, or cut off in the middle, is handled again: by what fault?"""
        place = life.epoch.place
        before = place.last_life(offset)
        died = before.unsettled_at_death(offset)
        if before.epoch is not life.epoch:
            older = min(before.epoch, life.epoch, key=place.epochs.index)
            older.doubts.append(Doubt(seen, life, DEATH if died else None))
        elif died:
            self._findings.duplicates[DEATH] += 1
        else:
            words = f"offset {offset} was handled again in the assignment in which it was settled"
            self.repeated(seen, life, words)

    def repeated(self, seen: Seen, life: Life, words: str) -> None:
        """A record was handled again without any fault."""
        self._findings.duplicates["no fault"] += 1
        self._accuse("I5", words, life, offset_of(seen), life.epoch.assigned, seen)

    def _note_takeover(self, seen: Seen, epoch: Epoch) -> None:
        if epoch.overtaken is not None:
            epoch.haunt(seen)
        if not epoch.overtook:
            epoch.overtook = True
            epochs = epoch.place.epochs
            for older in epochs[: epochs.index(epoch)]:
                if older.ended is None and older.overtaken is None:
                    older.overtaken = seen
                    older.zombie += older.runs()

    def ended(self, seen: Seen, event: Ended, life: Life) -> None:
        """A handler has returned or raised."""
        if life.exited is not None:
            words = "a handler ended in a worker that had been noted as dead"
            self._accuse("I6", words, life, event.offset, life.exited, seen)
        elif not life.is_running(event.offset):
            words = f"offset {event.offset} ended and had not begun"
            self._accuse("I2", words, life, event.offset, seen)
        life.running = None
        life.failed = event.outcome == "failed"
        life.moved_at = event.at
        if event.outcome == "ok":
            self._complete(seen, event.offset, life)
        else:
            life.epoch.place.failing.add(event.offset)
        if life.epoch.overtaken is not None:
            life.epoch.haunt(seen)

    def _complete(self, seen: Seen, offset: int, life: Life) -> None:
        place = life.epoch.place
        place.failing.discard(offset)
        place.runner[offset] = life
        if not place.finished.add(offset):
            return
        if place.top is None or offset > offset_of(place.top):
            place.top = seen
        elif offset not in place.given_up:
            words = f"offset {offset} was finished for the first time after {offset_of(place.top)}"
            self._accuse("I3", words, life, offset, place.top, seen)

    def worker_exited(self, seen: Seen, event: WorkerExited, member: Member) -> None:
        """A worker is dead: what it was running is cut off."""
        self._findings.deaths += 1
        for life in member.living.pop(event.pid, ()):
            life.exited, life.settled = seen, life.epoch.settled
            if life.running is not None and life.epoch.overtaken is not None:
                life.epoch.haunt(seen)  # it may have run until now
            life.running = None
            if life.epoch.ended is None and (life.position or 0) > (life.settled or 0):
                life.epoch.waits_since = event.at

    def _accuse(self, invariant: str, words: str, life: Life, offset: int, *evidence: Seen) -> None:
        where = place_of(life.epoch) | {"offset": offset, "process": evidence[-1].process}
        self._findings.accuse(invariant, words, *evidence, **where)
