"""How the processes of each slot have ended."""

import signal
from collections import Counter, defaultdict

from ticketpool.pool import Death

TIMED_OUT, NO_LIFE = "the handler timed out", "it showed no life"
STARVED, RETIRED = "out of memory", "retired"
"""What ``Death.why`` says, where we know."""


class Ends:
    """*Supervisor side.* The last end of each slot in words, and all of them by kind."""

    def __init__(self) -> None:
        self._last: dict[int, str] = {}
        self._kinds: defaultdict[int, Counter[str]] = defaultdict(Counter)

    def note(self, slot: int, death: Death, words: str, *, was_warm: bool) -> None:
        """A process of the slot has ended; ``was_warm``: it had loaded its handler."""
        self._last[slot] = words
        self._kinds[slot][kind_of(death, was_warm)] += 1

    def last(self, slot: int) -> str | None:
        """The last one in words; ``None``: none has ended."""
        return self._last.get(slot)

    def by_kind(self, slot: int) -> dict[str, int]:
        """How many of each kind."""
        return dict(self._kinds[slot]) if slot in self._kinds else {}


def kind_of(death: Death, was_warm: bool) -> str:
    """retired, hung, memory, start (it never became warm), killed or crashed."""
    if death.why == RETIRED and death.status in (0, -signal.SIGKILL):
        return "retired"  # else it crashed over its last records
    if death.why in (TIMED_OUT, NO_LIFE):
        return "hung"
    if death.why == STARVED:
        return "memory"
    if not was_warm:
        return "start"
    return "killed" if death.status == -signal.SIGKILL else "crashed"
