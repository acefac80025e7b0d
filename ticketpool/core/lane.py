"""A lane: the executor of one assigned partition, as the supervisor sees it."""

from enum import Enum, auto

from ticketpool.core.flow import Limits
from ticketpool.core.ledger import Ledger
from ticketpool.core.model import Partition
from ticketpool.core.parking import ParkedKeys
from ticketpool.core.timing import WAITING, Timing
from ticketpool.core.trouble import Position, Trouble, memo_of, parked_of, trouble_of


class LaneState(Enum):
    """One way only. A replaced worker gets a new ``Lane.number``, not a state that moves back."""

    OPEN = auto()
    CLOSING = auto()  # the worker finishes the record at hand
    CLOSED = auto()


class Counts:
    """What became of a partition's records, over the life of this process.

    Attributes:
        durations: of decoding and handler, retries included.
        queue_wait: from being read to the start of the handler.
        end_to_end: from a record's timestamp to its settlement.
        unmeasured: records that are not in these two, and will count with the next ones.
    """

    __slots__ = (
        "dead_lettered", "durations", "end_to_end", "processed", "queue_wait", "redelivered",
        "retried", "skipped", "unmeasured",
    )  # fmt: skip

    def __init__(self) -> None:
        self.durations = Timing()
        self.queue_wait, self.end_to_end = Timing(WAITING), Timing(WAITING)
        self.unmeasured = 0
        self.processed = self.retried = self.dead_lettered = self.skipped = self.redelivered = 0


class Lane:
    """*Supervisor side.* One partition from assigned to revoked or lost.

    Attributes:
        partition: what it serves.
        ledger: its offsets and records.
        slot: the worker that it belongs to, until it is moved.
        moving: the slot that it is to go to, once its worker has let go of it.
        held: a person has paused it (``ticketpool pause``): nothing more of it is run.
        index: its place in the worker's shared words.
        epoch: names this assignment of the partition within this process.
        number: names this lane towards its present worker process. It is new
            after each opening, so that an ack of an earlier process or
            assignment is simply not found (the epoch).
        opened: whether the present worker process knows the lane.
        trouble: what is held against the record that is next to be settled.
        watched: how many of the next records leave in small frames, each announced in
            a commit before it is sent.
        caution: how many of the next records are run alone, each charged in advance,
            because the supervisor that had the partition last ended before it
            had settled anything.
        has_turn: of the cautious lanes of the pool, it is the one that may run.
        alone: nothing of any other lane runs, or will before its next record is settled.
        acquitted: a record that ran alone is settled, and the broker does not know it yet.
        paused: whether fetching is paused at the consumer.
        confirmed: what the broker has confirmed, in this assignment.
        requested: what a commit was last sent for.
        refused: that commit failed; it is sent again with the next ones.
        at_end: its log held nothing that was not read, when that was last looked at.
        end: where ``--until-caught-up`` may stop: the end offset at assignment.
        refusal: why that commit failed; empty when it did not.
        out_of_range: its next offset is not in the log any more, and it waits for a decision.
        cut_off: its handler was cancelled for a drain's deadline; the record is unfinished.
        sending: of the held records, those that wait for what their handler has sent.
        parking: the keys whose tickets follow a dead letter; ``None`` without ``--park-keys``.
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
        self.moving: int | None = None
        self.held = False
        self.state = LaneState.OPEN
        self.trouble: Trouble | None = None
        self.watched = 1
        self.caution = 0
        self.has_turn = False
        self.alone = False
        self.acquitted = False
        self.paused = False
        self.confirmed: Position | None = None
        self.requested: Position | None = None
        self.refused = False
        self.at_end = False
        self.end: int | None = None
        self.sending = 0
        self.abandoned = 0
        self.cut_off = False
        self.out_of_range = False
        self.refusal = ""
        self.parking: ParkedKeys | None = None
        self.counts = Counts()

    @property
    def quiet(self) -> bool:
        """Whether it is closed and no dead letter or output of it is waited for."""
        return self.state is LaneState.CLOSED and self.ledger.held <= self.abandoned

    @property
    def destination(self) -> int:
        """The slot where it is or will be."""
        return self.slot if self.moving is None else self.moving

    @property
    def may_run(self) -> bool:
        """Whether its worker may be sent more of it."""
        at_home = self.opened and self.moving is None
        return at_home and self.state is LaneState.OPEN and not self.held

    @property
    def resting(self) -> bool:
        """Whether it is held, and what was at hand is finished."""
        return self.held and not self.ledger.in_flight

    @property
    def has_work(self) -> bool:
        """Whether something of it is unfinished, and may be finished now."""
        return not self.ledger.idle and not self.resting

    @property
    def caught_up(self) -> bool:
        """Whether it is finished up to its log's end at assignment (``--until-caught-up``)."""
        committable = self.ledger.committable
        return self.end == 0 or (committable is not None and committable >= (self.end or 0))

    @property
    def suspect(self) -> bool:
        """Whether its next record is to be run alone."""
        return self.caution > 0 or (self.trouble is not None and self.trouble.suspect)

    @property
    def committed(self) -> int | None:
        """The offset that the broker has confirmed, in this assignment."""
        return None if self.confirmed is None else self.confirmed.offset

    def position(self) -> Position | None:
        """What may be committed now, with the memo beside it; ``None`` before anything is known."""
        offset = self.ledger.committable
        if offset is None:
            return None
        careful = self.careful and self.state is LaneState.OPEN and not self.resting
        begun = self.next_record if careful else None
        parked = "" if self.parking is None else self.parking.memo(offset)
        return Position(offset, memo_of(self.trouble, begun=begun, alone=self.alone, parked=parked))

    def carry_over(self, position: Position, limits: Limits) -> None:
        """What was committed when the lane was assigned, and what its memo holds against the
        next record."""
        self.requested = self.confirmed = position
        if self.parking is not None:
            self.parking = ParkedKeys(parked_of(position.memo))
        trouble = trouble_of(position.memo)
        if trouble is not None and trouble.offset >= position.offset:
            self.trouble = trouble
        if self.suspect:
            self.caution, self.watched = limits.first_records, limits.watched_records

    @property
    def careful(self) -> bool:
        """Whether its next record is announced in the commit's memo before it is sent."""
        return self.has_turn if self.caution else self.watched > 0

    @property
    def wary(self) -> bool:
        """Whether its next step may wait until the broker has confirmed a commit."""
        return self.watched > 0 or self.caution > 0 or self.acquitted

    @property
    def charged(self) -> int:
        """How many deaths are held against its next record."""
        trouble = self.trouble
        return trouble.crashes if trouble and trouble.offset == self.next_record else 0

    @property
    def announced(self) -> bool:
        """Whether the broker knows which record is next, should it end this process."""
        return self.confirmed is not None and self.confirmed == self.position()

    @property
    def next_record(self) -> int | None:
        """The lowest offset that is not settled, of those received."""
        in_flight = self.ledger.first_in_flight
        return self.ledger.first_buffered if in_flight is None else in_flight

    def in_trouble(self, offset: int) -> Trouble:
        """What is held against a record, from now on at least."""
        if self.trouble is None or self.trouble.offset != offset:
            self.trouble = Trouble(offset)
        return self.trouble

    def progress(self, records: int) -> None:
        """So many were settled: forget what was held against a record that is finished."""
        settled = self.ledger.settled
        self.acquitted = self.acquitted or self.alone
        self.alone = False
        self.watched = max(self.watched - records, 0)
        self.caution = max(self.caution - records, 0)
        if self.trouble is not None and settled is not None and settled > self.trouble.offset:
            self.trouble = None
