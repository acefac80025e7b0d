"""The ledger of one assigned partition: what was read, sent, finished, committable.

A lane is FIFO, so integers suffice where others keep sets of offsets. Records
move ``receive → buffer → take → window → settle``; a record whose dead letter or
outputs are not yet acknowledged is *held* and holds ``committable`` back.

Invariant: every record at or past ``committable`` is in held, window or buffer,
or has not been read yet. Nothing below it is unfinished.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice, takewhile
from operator import lt

from ticketpool.core.model import Partition, RawRecord
from ticketpool.errors import OutOfOrder


class Chunk:
    """Consecutive records of one partition with their offsets, as parallel sequences, and when
    they were read."""

    __slots__ = ("offsets", "read_at", "records", "size")

    def __init__(
        self,
        records: Sequence[RawRecord],
        offsets: Sequence[int],
        size: int | None = None,
        read_at: float = 0.0,
    ) -> None:
        self.records = records
        self.offsets = offsets
        self.read_at = read_at
        self.size = sum(map(len, records)) if size is None else size

    def split(self, count: int) -> tuple["Chunk", "Chunk"]:
        """The first ``count`` records and the others."""
        read_at = self.read_at
        first = Chunk(self.records[:count], self.offsets[:count], read_at=read_at)
        rest = self.size - first.size  # not counted again: a chunk may be split often
        return first, Chunk(self.records[count:], self.offsets[count:], rest, read_at)


class Ledger:
    """Offsets and records of one partition, from assigned to revoked or lost.

    Args:
        partition: for messages only.
        start: next offset to be read by the group; ``None`` when that is
            wherever the first record turns out to be (the beginning or the end).
        atomic: dead letters and outputs are written in the transaction that commits
            the offset: what is held for them holds ``committable`` back no more.

    Attributes:
        sample: of the records that were settled last, when they were read and the one in
            their middle: it stands for them all when waits are told.
    """

    def __init__(self, partition: Partition, start: int | None, *, atomic: bool = False) -> None:
        self.partition = partition
        self._atomic = atomic
        self._pinned: int | None = None  # nothing from there on is ever committed
        self.next = start  # next offset that may be received
        self.settled = start  # next offset to be settled; all before it are finished or held
        self._last: int | None = None  # the record settled last
        self.sample: tuple[float, RawRecord] | None = None
        self.gaps = 0  # offsets that Kafka did not deliver: compaction, transaction markers
        self.buffered = self.buffered_bytes = 0
        self.in_flight = self.in_flight_bytes = 0
        self.output_bytes = 0  # that handlers have sent and nobody has acknowledged
        self._buffer: deque[Chunk] = deque()
        self._window: deque[Chunk] = deque()
        self._held: dict[int, RawRecord] = {}  # in rising order of offsets

    @property
    def committable(self) -> int | None:
        """The *next* offset to read, as Kafka counts; ``None`` before anything is known."""
        barrier = self._pinned if self._atomic else next(iter(self._held), None)
        if barrier is not None and self.settled is not None:
            return min(barrier, self.settled)
        return self.next if self.idle else self.settled

    @property
    def first_in_flight(self) -> int | None:
        """The lowest offset in flight."""
        return self._window[0].offsets[0] if self._window else None

    @property
    def first_buffered(self) -> int | None:
        """The offset that ``take`` would start with."""
        return self._buffer[0].offsets[0] if self._buffer else None

    @property
    def held(self) -> int:
        """Records whose dead letter or outputs are not acknowledged yet."""
        return len(self._held)

    @property
    def first_held(self) -> int | None:
        """The lowest offset that is held."""
        return next(iter(self._held), None)

    def held_before(self, offset: int) -> list[int]:
        """Those that are held below this offset: none where ``committable`` waits for them, else
        those that are written in the transaction that commits it."""
        return list(takewhile(offset.__gt__, self._held))

    @property
    def oldest(self) -> RawRecord | None:
        """The first record that was read and is not finished."""
        for record in self._held.values():
            return record
        waiting = self._window or self._buffer
        return waiting[0].records[0] if waiting else None

    @property
    def exposed(self) -> int:
        """Offsets that are finished and can't be committed: those from the first held one on."""
        if not self._held or self.settled is None:
            return 0
        return max(self.settled - next(iter(self._held)), 0)

    @property
    def idle(self) -> bool:
        """Whether everything that was received is finished."""
        return not (self.buffered or self.in_flight or self._held)

    def receive(
        self, records: Sequence[RawRecord], offsets: Sequence[int], read_at: float = 0.0
    ) -> int:
        """Take in records as polled at ``read_at``; return how many offsets were jumped over.

        A jump is legal in Kafka (compaction, aborted transactions, markers).

        Raises:
            OutOfOrder: an offset did not rise. Within one assignment that is
                never legal; committing on would hide a loss.
        """
        if self.idle:
            self.settled = self.next  # where committable is; it never goes back
        expected, last = self.next, offsets[-1]
        start = offsets[0] if expected is None else expected
        if offsets[0] < start or not _rising(offsets):
            raise OutOfOrder(
                f"{self.partition}: read offsets {offsets[0]}…{last} where {expected} or later "
                "was due; stopped without committing past it"
            )
        if self.settled is None:
            self.settled = start
        jumped = last + 1 - start - len(offsets)
        self.gaps += jumped
        self.next = last + 1
        self._push(Chunk(records, _compact(offsets), read_at=read_at))
        return jumped

    def _push(self, chunk: Chunk) -> None:
        self._buffer.append(chunk)
        self.buffered += len(chunk.offsets)
        self.buffered_bytes += chunk.size

    def take(self, max_records: int, max_bytes: int) -> Chunk | None:
        """Move the next records from the buffer to the window, and return them.

        At most ``max_records`` and ``max_bytes``, but at least one record.
        """
        if not self._buffer:
            return None
        chunk = self._buffer.popleft()
        count = min(len(chunk.offsets), max_records)
        if chunk.size > max_bytes:
            count = _fitting(chunk.records[:count], max_bytes)
        if count < len(chunk.offsets):
            chunk, rest = chunk.split(count)
            self._buffer.appendleft(rest)
        self._move(chunk, 1)
        self._window.append(chunk)
        return chunk

    def _move(self, chunk: Chunk, sign: int) -> None:
        self.buffered -= sign * len(chunk.offsets)
        self.buffered_bytes -= sign * chunk.size
        self.in_flight += sign * len(chunk.offsets)
        self.in_flight_bytes += sign * chunk.size

    def settle(self, through: int) -> int:
        """Everything in the window up to ``through`` is finished; return how many that were.

        The record settled last may be told again: by its ack, then by the shared words.

        Raises:
            OutOfOrder: ``through`` is neither that record nor one in the window.
        """
        count = 0
        while self._window and self._window[0].offsets[-1] <= through:
            count += self._leave(self._window.popleft())
        if self._window and self._window[0].offsets[0] <= through:
            head = self._window.popleft()
            done, rest = head.split(bisect_right(head.offsets, through))
            count += self._leave(done)
            self._window.appendleft(rest)
        if self._last != through:
            raise OutOfOrder(
                f"{self.partition}: offset {through} was acknowledged; "
                f"it is not in flight (settled up to {self.settled})"
            )
        return count

    def _leave(self, chunk: Chunk) -> int:
        self.in_flight -= len(chunk.offsets)
        self.in_flight_bytes -= chunk.size
        self._last = chunk.offsets[-1]
        self.settled = self._last + 1
        records = chunk.records
        self.sample = chunk.read_at, records[len(records) // 2]
        return len(records)

    def is_open(self, offset: int) -> bool:
        """Whether a record that was received is not settled yet."""
        return self.settled is not None and offset >= self.settled

    def hold(self, offset: int) -> RawRecord:
        """Hold back ``committable`` at a record in flight until ``release``; return the record.

        Call it before the record is settled.

        Raises:
            OutOfOrder: it is not in flight, or lies before one that is held already.
        """
        if offset <= next(reversed(self._held), -1):
            raise OutOfOrder(f"{self.partition}: offset {offset} failed after a later one")
        record = self._held[offset] = self.in_flight_record(offset)
        return record

    def in_flight_record(self, offset: int) -> RawRecord:
        """The record in flight there. Raises ``OutOfOrder``: there is none."""
        for chunk in self._window:
            at = bisect_left(chunk.offsets, offset)
            if at < len(chunk.offsets) and chunk.offsets[at] == offset:
                return chunk.records[at]
        raise OutOfOrder(f"{self.partition}: offset {offset} failed or was passed; not in flight")

    def held_record(self, offset: int) -> RawRecord:
        """The record that is held there."""
        return self._held[offset]

    def pin(self, offset: int) -> None:
        """The held record will not be released: nothing past it is committed, in no way."""
        if self._pinned is None:
            self._pinned = offset

    def release(self, offset: int) -> None:
        """The held record's dead letter or outputs are acknowledged, or it was skipped on
        purpose."""
        del self._held[offset]

    def reach_end(self, offset: int) -> None:
        """The log ends at ``offset`` (next to be written): what lies before it and was not
        received by now holds no records."""
        if self.next is None or offset > self.next:
            self.gaps += 0 if self.next is None else offset - self.next
            self.next = offset

    def rewind(self) -> int:
        """Put the window back in front of the buffer, in order; return how many records."""
        count = self.in_flight
        while self._window:
            chunk = self._window.pop()
            self._move(chunk, -1)
            self._buffer.appendleft(chunk)
        return count

    def unsettled(self) -> Iterator[RawRecord]:
        """The records in flight and buffered, in order."""
        for chunk in (*self._window, *self._buffer):
            yield from chunk.records


def _rising(offsets: Sequence[int]) -> bool:
    return all(map(lt, offsets, islice(offsets, 1, None)))  # compared in C


def _compact(offsets: Sequence[int]) -> Sequence[int]:
    """Rising offsets; as a range where they have no gap, as nearly always: it is cut for
    nothing, and need not be sent."""
    first, last = offsets[0], offsets[-1]
    return range(first, last + 1) if last - first == len(offsets) - 1 else offsets


def _fitting(records: Sequence[RawRecord], max_bytes: int) -> int:
    """How many of the first records fit into so many bytes, at least one."""
    totals = list(accumulate(map(len, records)))
    return max(bisect_right(totals, max_bytes), 1)
