"""Telling a worker that cannot start from one that had bad luck."""

from collections import Counter

from ticketpool import log
from ticketpool.errors import HandlerError, TicketpoolError, WorkerStartFailed
from ticketpool.ipc.frames import FromWorker
from ticketpool.pool import Slot

MOST = 5
"""Starts of one slot that may fail in a row."""

_log = log.get("ticketpool.supervisor")


class Starts:
    """*Supervisor side.* Counts starts that failed, and says when going on is pointless.

    A handler that cannot be loaded at the first start ends the service at once.
    A death by a signal, and any failure of a later start, is tried again with
    back-off, ``MOST`` times in a row. A worker that is to join others ends nothing.

    Attributes:
        misfit: why one that was to join could not start, the last time.
    """

    def __init__(self, handler: str) -> None:
        self._handler = handler
        self._failures: Counter[int] = Counter()
        self._refusals: dict[int, HandlerError] = {}
        self._error: TicketpoolError | None = None
        self.misfit: TicketpoolError | None = None

    def raise_error(self) -> None:
        """Raise what has made going on pointless, if anything has."""
        if self._error is not None:
            raise self._error

    def went_well(self, slot: Slot[FromWorker]) -> None:
        """The slot's worker is warm."""
        self._failures.pop(slot.index, None)

    def refused(self, slot: Slot[FromWorker], message: str) -> None:
        """The worker says why it cannot serve the handler; it is about to end."""
        if not slot.leaving:  # else nobody asks, and the next one of the slot is another's
            self._refusals[slot.index] = HandlerError(message)

    def died(self, slot: Slot[FromWorker], reason: str, *, by_signal: bool) -> None:
        """The worker ended before it was warm."""
        what = f"worker {slot.index} ended before it was ready ({reason}); handler {self._handler}"
        error = self._refusals.pop(slot.index, None) or WorkerStartFailed(what)
        if slot.joining:
            self.misfit = error
            return
        self._failures[slot.index] += 1
        first_start = slot.restarts == 0 and not by_signal
        if first_start or self._failures[slot.index] >= MOST:
            self._error = self._error or error
        else:
            _log.error("worker not started", worker=slot.index, error=str(error))
