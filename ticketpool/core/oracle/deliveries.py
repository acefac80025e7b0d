"""What workers are sent: contiguous, back only after a death or a move, settled only when ended."""

from typing import Any

from ticketpool.core.events import Delivered, Jumped, Settled
from ticketpool.core.oracle.lives import Epoch, Life, Place
from ticketpool.core.oracle.verdict import Findings, Seen

_MANY_JUMPS = 1000


class Deliveries:
    """*I7*, and the part of *I4* that concerns the ledger."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def jumped(self, seen: Seen, event: Jumped, epoch: Epoch) -> None:
        """No records there."""
        self._findings.jumps += 1
        self._findings.jumped += event.last + 1 - event.first
        epoch.jumps[event.first] = event.last
        if len(epoch.jumps) > _MANY_JUMPS:
            epoch.advance()
            epoch.forget_jumps()

    def delivered(self, seen: Seen, event: Delivered, epoch: Epoch, life: Life) -> None:
        """Sent to a lane."""
        first, last = event.offsets[0][0], event.offsets[-1][1]
        epoch.begin_at(first)
        if epoch.ended is not None:
            words = "records were sent to a worker after their partition was given up"
            self._accuse("I7", words, first, epoch, epoch.ended, seen)
        if life.position is None:
            self._check_resend(seen, first, epoch, life)
            life.position = epoch.settled
        for start, end in event.offsets:
            self._follow(seen, start, epoch, life)
            life.position = end + 1
        epoch.high = max(epoch.high or 0, last + 1)
        life.moved_at = event.at

    def _check_resend(self, seen: Seen, first: int, epoch: Epoch, life: Life) -> None:
        """The first frame of a lane: what was sent to the one before may be sent again only
        because its worker is dead, or has handed it back."""
        others = [one for one in epoch.lives if one is not life]
        before = [one for one in others if one.exited is None and one.left is None]
        if before and first < (epoch.high or 0):
            words = "records were sent again while the worker that had them before was alive"
            self._accuse("I7", words, first, epoch, epoch.assigned, seen)

    def _follow(self, seen: Seen, start: int, epoch: Epoch, life: Life) -> None:
        due = epoch.skip(life.position or 0)
        if start < due:
            words = f"a step back: offset {start} was sent where {due} was due"
            self._accuse("I7", words, start, epoch, epoch.assigned, seen)
        elif start > due:
            words = (
                f"a gap: offset {start} was sent where {due} was due, and the supervisor did "
                "not see Kafka leave that out"
            )
            self._accuse("I7", words, due, epoch, epoch.assigned, seen)

    def settled(self, seen: Seen, event: Settled, epoch: Epoch) -> None:
        """Finished, says the supervisor."""
        epoch.begin_at(event.through)
        life = epoch.lives[-1] if epoch.lives else None
        if event.by == "deaths":
            self._settled_by_deaths(event.through, epoch.place, life)
        elif life is None or life.top < event.through or life.is_running(event.through):
            words = f"offset {event.through} was settled, and its handler had not ended"
            self._accuse("I4", words, event.through, epoch, *epoch.runs(), seen)
        elif life.failed and life.top == event.through:
            epoch.place.given_up.add(event.through)
        epoch.settled = max(event.through + 1, epoch.settled or 0)
        epoch.high = max(epoch.settled, epoch.high or 0)

    def _settled_by_deaths(self, offset: int, place: Place, life: Life | None) -> None:
        place.given_up.add(offset)
        if life is not None and life.position is not None:
            life.position = max(life.position, offset + 1)

    def _accuse(
        self, invariant: str, words: str, offset: int, epoch: Epoch, *evidence: Seen
    ) -> None:
        where: dict[str, Any] = place_of(epoch) | {"offset": offset}
        self._findings.accuse(invariant, words, *evidence, **where)


def place_of(epoch: Epoch) -> dict[str, Any]:
    """Where, for a violation."""
    place = epoch.place
    return {
        "group": place.group,
        "topic": place.topic,
        "partition": place.number,
        "epoch": epoch.number,
        "process": epoch.member.name,
    }
