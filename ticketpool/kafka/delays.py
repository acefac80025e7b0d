"""Why dead letters and outputs are not written, kept for whoever has to tell it."""

from typing import Protocol

from ticketpool.core.causes import Delay
from ticketpool.core.model import Partition


class Late(Protocol):
    """What can't be written: an ``Outgoing``."""

    origin: Partition
    kind: str
    offset: int
    topic: str


class Delays:
    """*Supervisor side.* The last failed try of each partition and topic, until one succeeds."""

    def __init__(self) -> None:
        self._by_origin: dict[Partition, dict[str, Delay]] = {}

    def note(self, late: Late, why: str) -> None:
        """It could not be written, and waits."""
        delay = Delay(late.kind, late.offset, late.topic, why)
        self._by_origin.setdefault(late.origin, {})[late.topic] = delay

    def over(self, origin: Partition, topic: str) -> None:
        """A record of that partition was written to ``topic``. Called for each one."""
        if self._by_origin:
            found = self._by_origin.get(origin, {})
            found.pop(topic, None)
            if not found:
                self.forget(origin)

    def forget(self, origin: Partition) -> None:
        """The partition is not ours any more."""
        self._by_origin.pop(origin, None)

    def of(self, origin: Partition) -> Delay | None:
        """What holds the partition back first: that with the lowest offset."""
        found = self._by_origin.get(origin)
        return min(found.values(), key=lambda delay: delay.offset) if found else None
