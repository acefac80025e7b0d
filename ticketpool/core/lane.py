"""A lane: the executor of one assigned partition, as the supervisor sees it."""

from enum import Enum, auto

from ticketpool.core.latency import Histogram
from ticketpool.core.ledger import Ledger
from ticketpool.core.model import Partition


class LaneState(Enum):
    """One way only. A replaced worker gets a new ``Lane.number``, not a state that moves back."""

    OPEN = auto()
    CLOSING = auto()  # the worker finishes the record at hand
    CLOSED = auto()


class Counts:
    """What became of a partition's records, over the life of this process."""

    __slots__ = ("dead_lettered", "processed", "redelivered", "retried", "skipped")

    def __init__(self) -> None:
        self.processed = self.retried = self.dead_lettered = self.skipped = self.redelivered = 0


class Lane:
    """*Supervisor side.* One partition from assigned to revoked or lost.

    Attributes:
        partition: what it serves.
        ledger: its offsets and records.
        slot: the worker that it belongs to for as long as it lives.
        index: its place in the worker's shared words.
        epoch: names this assignment of the partition within this process.
        number: names this lane towards its present worker process. It is new
            after each opening, so that an ack of an earlier process or
            assignment is simply not found (the epoch).
        opened: whether the present worker process knows the lane.
        crashes: deaths of workers that were running the record, by offset.
        paused: whether fetching is paused at the consumer.
        committed: what the broker has confirmed, in this assignment.
        end: where ``--until-caught-up`` may stop: the end offset at assignment.
        abandoned: held records that nothing will release any more: the policy
            stopped there, or a drain ended without their dead letters.
    """

    def __init__(self, partition: Partition, ledger: Ledger, slot: int, index: int) -> None:
        self.partition = partition
        self.ledger = ledger
        self.slot = slot
        self.index = index
        self.epoch = 0
        self.number = 0
        self.opened = False
        self.state = LaneState.OPEN
        self.crashes: dict[int, int] = {}
        self.suspect: int | None = None
        self.paused = False
        self.committed: int | None = None
        self.requested: int | None = None  # last committable that a commit was sent for
        self.end: int | None = None
        self.abandoned = 0
        self.counts = Counts()
        self.durations = Histogram()

    @property
    def quiet(self) -> bool:
        """Whether it is closed and no dead letter of it is waited for."""
        return self.state is LaneState.CLOSED and self.ledger.held <= self.abandoned

    def charge(self, offset: int) -> int:
        """Count a death of the worker while it ran this record; return the count."""
        self.crashes[offset] = self.crashes.get(offset, 0) + 1
        return self.crashes[offset]

    def settled_past_suspect(self) -> bool:
        """Whether the record under suspicion is finished (or there is none)."""
        settled = self.ledger.settled
        return self.suspect is None or (settled is not None and settled > self.suspect)

    def clear_suspicion(self) -> None:
        """The suspect has been finished: nothing is held against the lane any more."""
        if self.suspect is not None:
            self.crashes.pop(self.suspect, None)
        self.suspect = None
