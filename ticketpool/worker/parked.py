"""*Worker side.* ``--park-keys`` in a lane: later tickets of a key follow its dead letter.

Decided here and not by the supervisor, since tickets of the key may be in the lane already
when one of them fails.
"""

from typing import Any

from ticketpool.core.letter import PARKED
from ticketpool.core.model import Reject
from ticketpool.core.parking import Fate, Parking
from ticketpool.ipc.frames import Open, Records
from ticketpool.worker.batch_call import refuse_awaitable
from ticketpool.worker.handler import Call
from ticketpool.worker.outputs import LaneOutputs


class Parked(Reject):
    """The ticket follows a dead letter of its key. The handler was not called."""


assert Parked.__name__ == PARKED  # noqa: S101 - by which the letter is known


class LaneKeys:
    """The parked keys of one lane, as of the record at hand.

    Args:
        most: how many may be parked; with one more, the lane ends.
        outputs: those of the lane, which hold back what the shared words tell.
    """

    def __init__(self, opened: Open, most: int, outputs: LaneOutputs) -> None:
        self._parking = Parking(opened.parked)
        self._where = f"{opened.topic}[{opened.partition}]"
        self._most, self._outputs = most, outputs
        self._at: tuple[bytes | None, int, Any] = (None, -1, ())
        self._waits = False
        outputs.keys = self

    def guarded(self, call: Call, *, is_async: bool) -> Call:
        """A handler's call that is not made with tickets that have to wait."""

        def plain(batch: Records, i: int, attempt: int) -> None:
            self._begin(batch, i)
            if (result := call(batch, i, attempt)) is not None:
                refuse_awaitable(result)
            self._handled()

        async def awaited(batch: Records, i: int, attempt: int) -> None:
            await call(batch, i, attempt)
            self._handled()

        def awaitable(batch: Records, i: int, attempt: int) -> Any:
            self._begin(batch, i)
            return awaited(batch, i, attempt)

        return awaitable if is_async else plain

    def _begin(self, batch: Records, i: int) -> None:
        """Raises ``Parked``: the ticket has to wait."""
        if i == 0 and batch.parked is not None:
            self._parking = Parking(batch.parked)
        key, offset, headers = self._at = batch.keys[i], batch.offset(i), batch.headers[i]
        follows = self._parking.follows(key, offset, headers)
        self._waits = follows is not None
        if self._waits:
            raise Parked(
                f"follows the dead letter of {self._where} offset {follows}, of the same key; "
                "`ticketpool dlq replay` sends both back"
            )

    def _handled(self) -> None:
        """One that others wait for: the supervisor has to hear of it, so no shared word may
        settle it before the ack does."""
        if self._parking and self._parking.note(*self._at, Fate.HANDLED) is not None:
            self._outputs.passes(self._at[1])

    def died(self) -> bool:
        """The record at hand is dead, or parked; whether the lane has to end, since too many
        keys are."""
        self._parking.note(*self._at, Fate.PARKED if self._waits else Fate.DIED)
        return len(self._parking) > self._most
