"""What a lane of a batch handler notes for ``verify --trace``."""

from ticketpool import trace
from ticketpool.core.events import Outcome


class BatchNotes:
    """*Worker side.* A call is noted for its first record, and for the others when it has
    returned: the oracle knows one call at a time. What a call that was cut off by a death did
    with the others is not noted, so that is no repetition later.
    """

    def __init__(self, lane: int, topic: str, partition: int) -> None:
        self._where = (lane, topic, partition)
        self._running: tuple[int, int] | None = None

    def begun(self, offset: int, attempt: int) -> None:
        """A call that begins with this record is about to be made."""
        self._running = (offset, attempt)
        trace.started(*self._where, offset, attempt)

    def ok(self, offset: int, attempt: int) -> None:
        """The record is handled."""
        self._ended(offset, attempt, "ok")

    def failed(self, offset: int, attempt: int) -> None:
        """It was not."""
        self._ended(offset, attempt, "failed")

    def _ended(self, offset: int, attempt: int, outcome: Outcome) -> None:
        if self._running != (offset, attempt):
            trace.started(*self._where, offset, attempt)
        self._running = None
        trace.ended(*self._where, offset, attempt, outcome)
