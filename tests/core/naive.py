"""What the ledger and the router should do, done naively: whole lists, nothing clever."""

from collections.abc import Sequence

from ticketpool.core.ledger import Ledger
from ticketpool.core.model import Partition

AT = Partition("tickets", 3)


class FakeRecord:
    """A ``RawRecord`` of a chosen size, and nothing else."""

    def __init__(self, offset: int, size: int = 1, at: Partition = AT) -> None:
        self._offset, self._size, self._at = offset, size, at

    def topic(self) -> str:
        return self._at.topic

    def partition(self) -> int:
        return self._at.number

    def offset(self) -> int:
        return self._offset

    def key(self) -> bytes | None:
        return None

    def value(self) -> bytes:
        return b"v" * self._size

    def headers(self) -> None:
        return None

    def timestamp(self) -> tuple[int, int]:
        return (1, 0)

    def __len__(self) -> int:
        return self._size


def records(*offsets: int, size: int = 1) -> list[FakeRecord]:
    return [FakeRecord(offset, size) for offset in offsets]


def fill(ledger: Ledger, *offsets: int, size: int = 1) -> None:
    """Let the ledger receive records at these offsets."""
    ledger.receive(records(*offsets, size=size), offsets)


class NaiveLedger:
    """The same promises, kept by remembering every record and every state."""

    def __init__(self, start: int | None) -> None:
        self.start = start
        self.next = start
        self.end = 0
        self.gaps = 0
        self.sizes: dict[int, int] = {}
        self.buffer: list[int] = []
        self.window: list[int] = []
        self.finished: list[int] = []
        self.held: list[int] = []

    def receive(self, received: Sequence[FakeRecord]) -> None:
        if self.next is None:
            self.start = self.next = received[0].offset()
        for record in received:
            self.gaps += record.offset() - self.next
            self.next = record.offset() + 1
            self.sizes[record.offset()] = len(record)
            self.buffer.append(record.offset())

    def reach_end(self, end: int) -> None:
        self.end = end
        self.gaps += end - self.next if self.next is not None else 0
        self.start, self.next = end if self.start is None else self.start, end

    def take(self, count: int) -> list[int]:
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        self.window += taken
        return taken

    def settle(self, through: int) -> int:
        done = [offset for offset in self.window if offset <= through]
        self.window = self.window[len(done) :]
        self.finished += done
        return len(done)

    def rewind(self) -> int:
        count = len(self.window)
        self.buffer, self.window = self.window + self.buffer, []
        return count

    def bytes_of(self, offsets: Sequence[int]) -> int:
        return sum(self.sizes[offset] for offset in offsets)

    @property
    def unfinished(self) -> set[int]:
        """Received, and neither handled nor its dead letter acknowledged."""
        return {*self.window, *self.buffer, *self.held}

    @property
    def exposed(self) -> int:
        """Offsets from the first held record to the last one settled, both included."""
        past = [offset for offset in (*self.finished, *self.held) if offset not in self.window]
        first = min(self.held, default=0)
        return len(range(first, max(past) + 1)) if self.held and first in past else 0

    @property
    def done(self) -> int | None:
        """After the last record that is finished with all before it; the least to commit."""
        if not self.unfinished:
            return self.next
        first = min(self.unfinished)
        known = [offset for offset in self.finished if offset < first]
        return known[-1] + 1 if known else self.start

    def check(self, ledger: Ledger) -> None:
        """Everything that the ledger shows is what remembering all of it says."""
        self.check_committable(ledger.committable)
        assert ledger.gaps == self.gaps
        assert ledger.held == len(self.held)
        assert ledger.exposed == self.exposed
        assert (ledger.buffered, ledger.in_flight) == (len(self.buffer), len(self.window))
        assert ledger.buffered_bytes == self.bytes_of(self.buffer)
        assert ledger.in_flight_bytes == self.bytes_of(self.window)
        assert ledger.idle == (not self.unfinished)
        assert not any(map(ledger.is_open, self.finished))
        assert all(map(ledger.is_open, self.window + self.buffer))
        assert [r.offset() for r in ledger.unsettled()] == self.window + self.buffer

    def check_committable(self, committable: int | None) -> None:
        """It passes nothing unfinished, and lags behind nothing finished."""
        if committable is None:
            assert self.next is None
            return
        assert self.done is not None
        assert self.done <= committable
        assert self.unfinished or committable == self.next
        assert all(committable <= offset for offset in self.unfinished)
