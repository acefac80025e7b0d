"""Which fault comes when: an endless plan that follows from the seed alone."""

import random
from collections.abc import Iterator
from typing import NamedTuple

from tests.faults.kinds import SESSION_SECONDS

MEMBERS = 3
EVERY_SECONDS = 6.0
SPARED = 0
"""The member whose supervisor is neither killed nor ended: what grows is measured on it."""


class Fault(NamedTuple):
    """One thing that goes wrong.

    Attributes:
        at: seconds since the beginning.
        what: a key of ``FAULTS``.
        member: who suffers; of no meaning for the broker's.
        worker: which of its workers, counted round.
        seconds: until it is undone: continued, started again.
    """

    at: float
    what: str
    member: int
    worker: int
    seconds: float


class Sort(NamedTuple):
    """How often a fault is drawn, how long it lasts, and whether it spares the spared member."""

    weight: int
    shortest: float
    longest: float
    fatal: bool = False


FAULTS = {
    "kill worker": Sort(6, 0, 0),
    "stop worker": Sort(3, 1, 15),  # beyond HANDLER_TIMEOUT it is killed as hung
    "kill supervisor": Sort(3, 0, 2 * SESSION_SECONDS, fatal=True),
    "end supervisor": Sort(3, 0, 10, fatal=True),
    "stop supervisor": Sort(2, SESSION_SECONDS + 2, SESSION_SECONDS + 8),
    "restart broker": Sort(1, 0, 8),
    "kill broker": Sort(1, 0, 8),
    "pause broker": Sort(1, 1, 10),
}
"""The last three concern the broker."""


def plan(seed: int, every: float = EVERY_SECONDS) -> Iterator[Fault]:
    """Faults in order of time, ``every`` so many seconds on the average, without an end."""
    dice, at = random.Random(seed), 0.0
    names, weights = list(FAULTS), [sort.weight for sort in FAULTS.values()]
    while True:
        at += dice.uniform(0.2, 1.8) * every
        (what,) = dice.choices(names, weights)
        yield _drawn(dice, at, what)


def _drawn(dice: random.Random, at: float, what: str) -> Fault:
    sort = FAULTS[what]
    member = dice.choice([m for m in range(MEMBERS) if m != SPARED or not sort.fatal])
    seconds = dice.uniform(sort.shortest, sort.longest)
    return Fault(round(at, 2), what, member, dice.randrange(100), round(seconds, 2))
