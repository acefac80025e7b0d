"""Nothing unfinished is ever committed past, nothing is lost, repeated or taken out of order.

In doubt because the ledger keeps integers and runs of records where a set of
offsets would be the obvious thing: a naive model that remembers every record
must agree after any sequence of steps.
"""

import copy
from collections.abc import Sequence

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.core.naive import AT, FakeRecord, NaiveLedger, fill, records
from ticketpool.core.ledger import Chunk, Ledger
from ticketpool.core.model import RawRecord
from ticketpool.errors import OutOfOrder

steps = st.lists(st.tuples(st.sampled_from([0, 0, 0, 1, 7]), st.integers(0, 9)), min_size=1)


def run_from(first: int, jumps: Sequence[tuple[int, int]]) -> list[FakeRecord]:
    made, offset = [], first
    for jump, size in jumps:
        made.append(FakeRecord(offset + jump, size))
        offset += jump + 1
    return made


class LedgerMachine(RuleBasedStateMachine):
    """Any order of reads, takes, acks, failures, crashes and ends of the log."""

    @initialize(start=st.none() | st.integers(0, 50))
    def begin(self, start: int | None) -> None:
        self.ledger, self.model = Ledger(AT, start), NaiveLedger(start)
        self.committable = -1
        self.receive_at(7 if start is None else start, [(0, 3)] * 12)

    def receive_at(self, first: int, jumps: Sequence[tuple[int, int]]) -> None:
        made = run_from(first, jumps)
        before = self.model.gaps
        jumped = self.ledger.receive(made, [r.offset() for r in made])
        self.model.receive(made)
        assert jumped == self.model.gaps - before

    @rule(jumps=steps)
    def receive(self, jumps: list[tuple[int, int]]) -> None:
        self.receive_at(7 if self.model.next is None else self.model.next, jumps)

    @rule(back=st.integers(1, 60), jumps=steps)
    def step_back(self, back: int, jumps: list[tuple[int, int]]) -> None:
        if not self.model.next:
            return
        made = run_from(max(self.model.next - back, 0), [(0, 1), *jumps])
        with pytest.raises(OutOfOrder, match=r"tickets\[3\]: read offsets"):
            self.ledger.receive(made, [r.offset() for r in made])

    @rule(beyond=st.integers(0, 5))
    def reach_end(self, beyond: int) -> None:
        end = (self.model.next or 0) + beyond
        self.ledger.reach_end(end)
        self.model.reach_end(end)

    @rule(max_records=st.integers(1, 8), max_bytes=st.integers(1, 30))
    def take(self, max_records: int, max_bytes: int) -> None:
        chunk = self.ledger.take(max_records, max_bytes)
        assert (chunk is None) == (not self.model.buffer)
        if chunk is None:
            return
        assert 1 <= len(chunk.offsets) <= max_records
        assert chunk.size <= max_bytes or len(chunk.offsets) == 1
        assert list(chunk.offsets) == self.model.take(len(chunk.offsets))
        assert [r.offset() for r in chunk.records] == list(chunk.offsets)
        assert chunk.size == self.model.bytes_of(chunk.offsets)

    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        if not self.model.window:
            return
        through = data.draw(st.sampled_from(self.model.window))
        assert self.ledger.settle(through) == self.model.settle(through)
        assert self.ledger.settle(through) == 0  # the words tell it again

    @rule(through=st.integers(0, 200))
    def settle_what_is_not_in_flight(self, through: int) -> None:
        if through in self.model.window or through in self.model.finished[-1:]:
            return
        with pytest.raises(OutOfOrder, match=f"offset {through} was acknowledged"):
            copy.deepcopy(self.ledger).settle(through)

    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        """As the supervisor does it: hold, settle what was held and more."""
        if not self.model.window:
            return
        through = data.draw(st.sampled_from(self.model.window))
        failed = data.draw(st.sets(st.sampled_from(self.model.window)))
        for offset in sorted(offset for offset in failed if offset <= through):
            assert self.ledger.hold(offset).offset() == offset
            self.model.held.append(offset)
            self.model.check(self.ledger)
        assert self.ledger.settle(through) == self.model.settle(through)

    @rule(offset=st.integers(0, 200))
    def hold_what_is_not_in_flight(self, offset: int) -> None:
        if offset in self.model.window:
            return
        with pytest.raises(OutOfOrder, match=f"offset {offset} failed"):
            self.ledger.hold(offset)

    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        if not self.model.held:
            return
        offset = data.draw(st.sampled_from(self.model.held))
        self.ledger.release(offset)
        self.model.held.remove(offset)

    @rule()
    def crash(self) -> None:
        assert self.ledger.rewind() == self.model.rewind()

    @invariant()
    def agrees_with_the_model(self) -> None:
        if hasattr(self, "model"):
            self.model.check(self.ledger)

    @invariant()
    def committable_never_goes_back(self) -> None:
        if hasattr(self, "model") and self.ledger.committable is not None:
            assert self.ledger.committable >= self.committable
            self.committable = self.ledger.committable


LedgerMachine.TestCase.settings = settings(max_examples=300, stateful_step_count=50, deadline=None)
TestLedger = LedgerMachine.TestCase


def test_a_held_record_holds_commits_back_until_it_is_released() -> None:
    ledger = Ledger(AT, 10)
    fill(ledger, 10, 11, 12)
    ledger.take(10, 100)
    held = ledger.hold(11)
    assert ledger.held_record(11) is held
    ledger.settle(12)
    assert ledger.committable == 11
    ledger.release(11)
    assert ledger.committable == 13


def test_an_atomic_ledger_is_held_back_only_by_what_will_never_be_released() -> None:
    """Its dead letters and outputs are written with the offset or not at all."""
    ledger = Ledger(AT, 10, atomic=True)
    fill(ledger, 10, 11, 12, 13)
    ledger.take(10, 100)
    for offset in (10, 11, 12):
        ledger.hold(offset)
    ledger.settle(12)
    assert ledger.committable == 13
    assert (ledger.held, ledger.exposed) == (3, 3)
    assert ledger.held_before(12) == [10, 11]
    ledger.pin(11)
    ledger.pin(12)
    assert ledger.committable == 11
    ledger.release(10)
    ledger.settle(13)
    assert ledger.committable == 11


def test_failures_told_out_of_order_are_refused() -> None:
    ledger = Ledger(AT, 0)
    fill(ledger, 0, 1, 2)
    ledger.take(10, 100)
    ledger.hold(1)
    with pytest.raises(OutOfOrder, match="offset 0 failed after a later one"):
        ledger.hold(0)


def test_a_record_in_a_gap_cannot_fail_or_be_acknowledged() -> None:
    ledger = Ledger(AT, 0)
    fill(ledger, 0, 5)
    ledger.take(10, 100)
    with pytest.raises(OutOfOrder, match="offset 3 failed"):
        ledger.hold(3)
    with pytest.raises(OutOfOrder, match="offset 3 was acknowledged"):
        ledger.settle(3)


@pytest.mark.parametrize("offsets", [(4, 4), (4, 6, 5), (4, 5, 5), (5, 4), (4, 9, 6)])
def test_offsets_that_do_not_rise_within_a_batch_are_refused(offsets: tuple[int, ...]) -> None:
    ledger = Ledger(AT, None)
    with pytest.raises(OutOfOrder, match="stopped without committing"):
        fill(ledger, *offsets)
    assert ledger.committable is None


def test_an_end_that_is_told_while_records_are_unfinished_counts_when_they_are() -> None:
    """Once dropped: ``--until-caught-up`` then waited for ever behind a transaction marker."""
    ledger = Ledger(AT, 0)
    fill(ledger, 0, 1)
    ledger.reach_end(3)  # offset 2 is a marker
    ledger.take(10, 100)
    ledger.settle(1)
    assert ledger.committable == 3


def test_records_after_a_passed_end_do_not_take_committable_back() -> None:
    ledger = Ledger(AT, 0)
    ledger.reach_end(5)
    assert ledger.committable == 5
    assert ledger.receive(records(5, 6), [5, 6]) == 0
    assert ledger.committable == 5
    assert ledger.gaps == 5


def test_a_batch_is_cut_where_its_bytes_end() -> None:
    ledger = Ledger(AT, 0)
    fill(ledger, 0, 1, 2, 3, size=10)
    assert [list(_taken(ledger, 100, 25)), list(_taken(ledger, 1, 100))] == [[0, 1], [2]]
    assert list(_taken(ledger, 100, 5)) == [3]  # at least one, however large
    assert ledger.take(100, 5) is None


def _taken(ledger: Ledger, max_records: int, max_bytes: int) -> Sequence[int]:
    chunk = ledger.take(max_records, max_bytes)
    assert chunk is not None
    return chunk.offsets


def test_a_chunk_splits_with_its_bytes() -> None:
    first, rest = Chunk(records(1, 2, 3, size=5), [1, 2, 3]).split(1)
    assert (first.offsets, first.size, rest.offsets, rest.size) == ([1], 5, [2, 3], 10)


def test_the_oldest_record_is_held_or_in_flight_or_buffered() -> None:
    ledger = Ledger(AT, 0)
    assert (ledger.oldest, ledger.first_held) == (None, None)
    fill(ledger, 0, 1, 2)
    assert offset_of(ledger.oldest) == 0
    ledger.take(2, 100)
    ledger.hold(0)
    ledger.settle(1)
    assert (offset_of(ledger.oldest), ledger.first_held) == (0, 0)
    ledger.release(0)
    assert (offset_of(ledger.oldest), ledger.first_held) == (2, None)
    ledger.take(1, 100)
    assert offset_of(ledger.oldest) == 2
    ledger.settle(2)
    assert ledger.oldest is None


def offset_of(record: RawRecord | None) -> int | None:
    return None if record is None else record.offset()
