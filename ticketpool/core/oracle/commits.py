"""Commits: never past what is unfinished, never back, only by the owner."""

from ticketpool.core.events import Committed, Committing
from ticketpool.core.oracle.deliveries import place_of
from ticketpool.core.oracle.lives import Epoch, Place
from ticketpool.core.oracle.verdict import Findings, Seen

_MOST_LOST = 10_000  # counted per partition: a commit may lie anywhere


class Commits:
    """*I1* and *I4*."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def committing(self, seen: Seen, event: Committing, epoch: Epoch) -> None:
        """A commit is sent."""
        place, offset = epoch.place, event.offset
        if epoch.ended is not None:
            self._accuse("after the partition was given up", offset, epoch, epoch.ended, seen)
        if epoch.commit is not None and offset < (epoch.committed or 0):
            self._accuse(f"after {epoch.committed}", offset, epoch, epoch.commit, seen)
        letters = epoch.letters[offset] = _unfinished(event, place)
        frontier = epoch.reach(letters)
        if frontier is None or offset > frontier:
            words = f"while {frontier} was not finished"
            self._accuse(words, offset, epoch, *epoch.runs(), seen)
            epoch.beyond.append((seen, offset))
        if place.epochs[-1] is not epoch:
            epoch.foreign[offset] = seen
        epoch.commit, epoch.committed = seen, offset
        place.sent = max(offset, place.sent or 0)

    def committed(self, seen: Seen, event: Committed, place: Place, epoch: Epoch | None) -> None:
        """The broker has answered."""
        letters = set[int]() if epoch is None else epoch.letters.pop(event.offset, set())
        if event.error is not None:
            self._findings.refused += 1
            return
        self._findings.commits += 1
        place.confirm(event.offset)
        if epoch is None:
            return
        for letter in sorted(letters):
            self._check_letter(seen, event.offset, letter, epoch)
        epoch.confirmed = max(event.offset, epoch.confirmed or 0)
        if event.offset in epoch.foreign:
            sent = epoch.foreign.pop(event.offset)
            later = place.epochs[-1].assigned
            self._accuse("and taken while another owned it", event.offset, epoch, later, sent, seen)

    def _check_letter(self, seen: Seen, offset: int, letter: int, epoch: Epoch) -> None:
        """One that was to be written in the same transaction is noted before the commit."""
        if letter not in epoch.place.finished:
            self._accuse(f"and the dead letter of {letter} was not", offset, epoch, seen)
            epoch.beyond.append((seen, offset))

    def _accuse(self, words: str, offset: int, epoch: Epoch, *evidence: Seen) -> None:
        where = place_of(epoch) | {"offset": offset}
        self._findings.accuse("I4", f"offset {offset} was committed {words}", *evidence, **where)

    def account(self, place: Place) -> None:
        """At the end: was everything finished that was committed past?"""
        lost: dict[int, Seen] = {}
        for epoch in place.epochs:
            for seen, offset in epoch.beyond:
                self._collect(epoch, seen, offset, lost)
        missed = sorted(place.missed - lost.keys())
        self._findings.lost += len(lost) + len(missed)
        unseen = [offset for offset in (*lost, *missed) if offset not in place.seen]
        self._findings.lost_unseen += len(unseen)
        for offset, seen in lost.items():
            words = f"offset {offset} was committed past and never finished"
            where = place_of(place.epochs[-1]) | {"offset": offset, "process": seen.process}
            self._findings.accuse("I1", words, seen, **where)
        for offset in missed:
            words = f"offset {offset} holds a record that was committed past and never finished"
            where = place_of(place.epochs[-1]) | {"offset": offset}
            self._findings.accuse("I1", words, place.epochs[0].assigned, **where)

    def _collect(self, epoch: Epoch, seen: Seen, end: int, lost: dict[int, Seen]) -> None:
        at = epoch.advance()
        while at is not None and at < end and len(lost) < _MOST_LOST:
            if at not in epoch.place.finished:
                lost.setdefault(at, seen)
            at = epoch.skip(at + 1)


def _unfinished(event: Committing, place: Place) -> set[int]:
    """Those whose dead letters are in the transaction; the others that are held there have been
    handled, and wait for what they have sent."""
    held = (offset for first, last in event.with_held for offset in range(first, last + 1))
    return {offset for offset in held if offset not in place.finished}
