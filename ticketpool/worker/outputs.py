"""What finished records have sent, on its way to the supervisor with the lane's next ack."""

from bisect import bisect_right
from collections.abc import Callable
from operator import attrgetter
from typing import Protocol

from ticketpool.core.outputs import Outbox, Output, close
from ticketpool.worker.words import HELD, SETTLED, STRIDE

ACK_BYTES = 256 << 10
"""So much waits for an ack at most, or what a single record has sent."""


class Keys(Protocol):
    """What a lane tells its parked keys."""

    def died(self) -> bool:
        """The record at hand is dead, or parked; whether the lane has to end."""


def _not_yet() -> None:
    raise AssertionError("a record has finished before its lane was opened")


class LaneOutputs:
    """*Worker side.* The outputs of one lane's finished records that no ack has told yet.

    The supervisor settles by the shared words what it has no ack for, and would so settle
    records without ever hearing of their outputs. So as long as there are any, HELD tells
    up to where SETTLED may be believed. It is stored before SETTLED passes the record and
    cleared after the ack was written; who reads SETTLED first and HELD second, and the
    pipe after both, misses nothing.

    With ``--park-keys`` the same holds for tickets that others of their key have waited for.

    Attributes:
        flush: writes the lane's ack; set by the lane.
        keys: the lane's parked keys, if there may be some.
    """

    def __init__(self, cells: memoryview, index: int) -> None:
        self.flush: Callable[[], None] = _not_yet
        self.keys: Keys | None = None
        self._cells = cells
        self._held = index * STRIDE + HELD
        self._settled = index * STRIDE + SETTLED
        self._outputs: list[Output] = []
        self._bytes = 0
        self._passed: list[int] = []

    def collect(self, outbox: Outbox) -> None:
        """The call with the record at hand has returned, and sends no more."""
        close(outbox)
        if not outbox.outputs:
            return
        if self._bytes and self._bytes + outbox.size > ACK_BYTES:
            self.flush()  # of the records before: an ack covers the records of its outputs
        self._hold()
        self._outputs += outbox.outputs
        self._bytes += outbox.size

    def passes(self, offset: int) -> None:
        """The call with the record there has returned, and others of its key wait for it."""
        self._hold()
        self._passed.append(offset)

    def _hold(self) -> None:
        if not (self._outputs or self._passed):
            self._cells[self._held] = self._cells[self._settled] + 1

    def take(self, through: int) -> list[Output]:
        """Those of the records up to there, for an ack; ``told`` when it was written. A batch
        may have sent more, and not all of its records are finished yet."""
        if not self._outputs:  # asked at every ack, and most handlers send nothing
            return []
        count = bisect_right(self._outputs, through, key=attrgetter("offset"))
        taken, self._outputs = self._outputs[:count], self._outputs[count:]
        self._bytes = sum(output.size for output in self._outputs)
        return taken

    def take_passed(self, through: int) -> list[int]:
        """The same of the records that were waited for."""
        if not self._passed:
            return []
        count = bisect_right(self._passed, through)
        taken, self._passed = self._passed[:count], self._passed[count:]
        return taken

    def told(self) -> None:
        """The ack was written: SETTLED may be believed, if that was all."""
        if not (self._outputs or self._passed):
            self._cells[self._held] = 0

    def too_many_died(self) -> bool:
        """The record at hand is dead; whether the lane has to end for it."""
        return self.keys is not None and self.keys.died()
