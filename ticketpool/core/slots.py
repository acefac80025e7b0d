"""Which lanes belong to which worker, and who goes where when their number changes. Pure."""

from collections.abc import Callable, Sequence
from itertools import chain, count

from ticketpool.core.lane import Lane


class Slots:
    """*Supervisor side.* The lanes of each slot.

    A lane that is to move keeps its slot until its worker has let go of it; what is said here
    of loads counts it where it is going.

    Attributes:
        open: how many slots take lanes, those from 0 on. The others are being emptied.
    """

    def __init__(self, number: int) -> None:
        self._lanes: list[list[Lane]] = [[] for _ in range(number)]
        self._load = [0] * number  # lanes that are there to stay, or on their way there
        self.open = number

    def resize(self, number: int) -> None:
        """From now on the first ``number`` slots take lanes; the others keep what they have
        until it moves."""
        more = max(number - len(self._lanes), 0)
        self._lanes += [[] for _ in range(more)]
        self._load += [0] * more
        self.open = number

    def of(self, slot: int) -> Sequence[Lane]:
        """The lanes that belong to a worker; none, of one that takes none yet."""
        return self._lanes[slot] if slot < len(self._lanes) else ()

    def least(self) -> int:
        """The open slot with the fewest lanes, the lowest of equals."""
        return min(range(self.open), key=self._load.__getitem__)

    def add(self, lane: Lane) -> None:
        """A new lane goes to the open slot with the fewest."""
        self._enter(lane, self.least())
        self._load[lane.slot] += 1

    def remove(self, lane: Lane) -> None:
        """The lane is no more."""
        self._lanes[lane.slot].remove(lane)
        self._load[lane.destination] -= 1

    def send(self, lane: Lane, slot: int) -> None:
        """The lane is to go to ``slot``, which may be where it is: to be opened there anew."""
        self._load[lane.destination] -= 1
        self._load[slot] += 1
        lane.moving = slot

    def land(self, lane: Lane) -> None:
        """The lane, which no worker knows any more, arrives where it was sent."""
        slot, lane.moving = lane.destination, None
        self._lanes[lane.slot].remove(lane)
        self._enter(lane, slot)

    def _enter(self, lane: Lane, slot: int) -> None:
        used = {other.index for other in self._lanes[slot]}
        lane.slot, lane.index = slot, next(i for i in count() if i not in used)
        self._lanes[slot].append(lane)

    def plan(self, age: Callable[[Lane], float] = lambda lane: 0.0) -> list[tuple[Lane, int]]:
        """Moves that empty the slots which are not open, and leave no open one with two lanes
        more than another; as few as possible.

        Args:
            age: of what a lane is running: the one that is likely to let go soonest moves.
        """
        heading: list[list[Lane]] = [[] for _ in self._lanes]
        for lane in chain.from_iterable(self._lanes):
            heading[lane.destination].append(lane)
        inside = heading[: self.open]
        moves: list[tuple[Lane, int]] = []
        for lane in chain.from_iterable(heading[self.open :]):
            moves.append((lane, _emptiest(inside)))
            inside[moves[-1][1]].append(lane)
        while len(fullest := max(inside, key=len)) > len(inside[to := _emptiest(inside)]) + 1:
            moves.append((min(reversed(fullest), key=age), to))
            fullest.remove(moves[-1][0])
            inside[to].append(moves[-1][0])
        return moves


def _emptiest(slots: Sequence[Sequence[Lane]]) -> int:
    return min(range(len(slots)), key=lambda slot: len(slots[slot]))
