"""The checker sees every gap, repetition and step back, and invents none.

In doubt because it keeps bits and maxima instead of the tickets themselves:
a naive model that keeps everything must agree on any input.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketpool.core.model import Ticket
from ticketpool.core.order import EXAMPLES, Checker, Findings, Numbers, run_of

Fed = tuple[str, bytes | None, int, int]

numbers = st.integers(-(2**63), 2**63 - 1) | st.integers(-3000, 3000)
fed = st.tuples(
    st.sampled_from(["", "0000aaaa", "ffff0000"]),
    st.sampled_from([None, b"a", b"b", b"\xff"]),
    st.integers(-5, 40) | st.integers(1000, 1100),
    st.integers(0, 2),
)


def check(tickets: Sequence[Fed], from_one: bool = False) -> Findings:
    checker = Checker()
    for offset, (run, key, order_id, partition) in enumerate(tickets):
        checker.feed(run, key, order_id, partition, offset)
    return checker.findings(from_one=from_one)


def ticket(name: str, order_id: int) -> Ticket:
    return Ticket(id=name, timestamp=datetime.now(UTC), order_id=order_id, data="")


@given(st.lists(numbers))
def test_numbers_are_a_set(members: list[int]) -> None:
    ours = Numbers()
    model: set[int] = set()
    for member in members:
        assert ours.add(member) == (member not in model)
        model.add(member)
        assert ours.bounds() == (min(model), max(model))
        assert member in ours
    assert ours.count == len(model)
    listed = [n for first, last in ours.stretches() for n in range(first, last + 1)]
    assert listed == sorted(model)


@given(st.sets(st.integers(-1500, 1500)), st.sets(st.integers(-1500, 1500)))
def test_members_are_told_from_others(members: set[int], others: set[int]) -> None:
    ours, theirs = Numbers(), Numbers()
    for member in members:
        ours.add(member)
    for other in others:
        theirs.add(other)
    assert ours.count_without(theirs) == len(members - others)
    assert all((number in ours) == (number in members) for number in members | others)


@given(st.lists(st.integers(-2100, 2100), min_size=1), st.integers(-2200, 2200))
def test_gaps_are_what_is_missing(members: list[int], start: int) -> None:
    ours = Numbers()
    for member in members:
        ours.add(member)
    missing = [n for first, last in ours.gaps(start) for n in range(first, last + 1)]
    assert missing == [n for n in range(start, max(members)) if n not in members]


def test_a_gap_across_words_is_one_gap() -> None:
    ours = Numbers()
    for member in (1, 1022, 1023, 1024, 5000):
        ours.add(member)
    assert list(ours.gaps(1)) == [(2, 1021), (1025, 4999)]


def test_a_million_dense_numbers_stay_small() -> None:
    ours = Numbers()
    for number in range(1_000_000):
        ours.add(number)
    assert len(ours._words) < 1000


@given(st.lists(fed), st.booleans())
def test_agrees_with_a_model_that_keeps_everything(tickets: list[Fed], from_one: bool) -> None:
    found = check(tickets, from_one)
    ids = Counter((run, order_id) for run, _, order_id, _ in tickets)
    produced = 0
    for name in {run for run, _ in ids}:
        own = [order_id for run, order_id in ids if run == name]
        produced += max(own) - (min(*own, 1) if from_one and name else min(own)) + 1
    assert found.records == len(tickets)
    assert found.processed == len(ids)
    assert found.duplicates == len(tickets) - len(ids)
    assert found.produced == produced
    assert found.lost == produced - len(ids)
    assert found.out_of_order == len(naive_late(tickets))
    assert [(late.run, late.order_id, late.after) for late in found.late] == naive_late(tickets)[
        :EXAMPLES
    ]
    assert found.clean == (not (found.lost or found.duplicates or naive_late(tickets)))


def naive_late(tickets: list[Fed]) -> list[tuple[str, int, int]]:
    late: list[tuple[str, int, int]] = []
    met: set[tuple[str, int]] = set()
    ordered: list[tuple[str, bytes | None, int, int]] = []
    for run, key, order_id, partition in tickets:
        if (run, order_id) in met:
            continue
        met.add((run, order_id))
        before = [n for *lane, n in ordered if lane == [run, key, partition]]
        if key is not None and before and max(before) > order_id:
            late.append((run, order_id, max(before)))
        ordered.append((run, key, partition, order_id))
    return late


@given(st.lists(fed))
def test_counts_keys_and_those_in_several_partitions(
    tickets: list[Fed],
) -> None:
    found = check(tickets)
    first: dict[tuple[str, int], tuple[bytes | None, int]] = {}
    for run, key, order_id, partition in tickets:
        first.setdefault((run, order_id), (key, partition))
    lanes = {(run, key, part) for (run, _), (key, part) in first.items() if key is not None}
    homes = Counter((run, key) for run, key, _ in lanes)
    assert found.keys == len(homes)
    assert found.split_keys == sum(count > 1 for count in homes.values())
    assert found.unkeyed == sum(key is None for key, _ in first.values())


def test_a_clean_run_in_several_partitions_is_clean() -> None:
    tickets = [("0000aaaa", b"k%d" % (n % 7), n, n % 7) for n in range(1, 1000)]
    found = check(tickets, from_one=True)
    assert found.clean
    assert (found.produced, found.processed, found.keys) == (999, 999, 7)


def test_evidence_names_the_ticket_and_where_it_stands() -> None:
    found = check([("", b"k", 2, 5), ("", b"k", 1, 5), ("", None, 2, 6), ("", b"k", 9, 5)])
    (late,), (repeated,), (gap,) = found.late, found.repeated, found.gaps
    assert (late.key, late.order_id, late.partition, late.offset, late.after) == ("k", 1, 5, 1, 2)
    assert (repeated.key, repeated.order_id, repeated.partition, repeated.offset) == (None, 2, 6, 2)
    assert (gap.first, gap.last) == (3, 8)


def test_evidence_is_short_however_much_is_wrong() -> None:
    backwards = [("", b"k", n, 0) for n in range(2000, 0, -2)]
    found = check(backwards + backwards)
    assert (found.out_of_order, found.duplicates, found.lost) == (999, 1000, 999)
    assert len(found.late) == len(found.repeated) == len(found.gaps) == EXAMPLES


def test_the_head_of_a_named_run_counts_only_when_the_log_is_whole() -> None:
    tickets = [("0000aaaa", b"k", 3, 0), ("", b"k", 3, 0)]
    assert check(tickets).lost == 0
    assert check(tickets, from_one=True).lost == 2


@pytest.mark.parametrize(
    ("name", "order_id", "run"),
    [
        ("0123abcd-7", 7, "0123abcd"),
        ("0123abcd-7", 8, ""),
        ("0123abcd-07", 7, ""),
        ("0123ABCD-7", 7, ""),
        ("0123abc-7", 7, ""),
        ("3e2b1c4d-9a1f-4c3e-8b1d-000000000007", 7, ""),
        ("", 7, ""),
        ("0123abcd--7", -7, "0123abcd"),
    ],
)
def test_a_run_is_read_from_the_name_of_a_ticket(name: str, order_id: int, run: str) -> None:
    assert run_of(ticket(name, order_id)) == run


def test_every_offence_alone_is_dirty() -> None:
    clean = [("0000aaaa", b"k", n, 0) for n in range(1, 6)]
    assert check(clean, True).clean
    for at, what in product(range(4), ("drop", "repeat", "swap")):
        tickets = list(clean)
        match what:
            case "drop":
                del tickets[at]
            case "repeat":
                tickets.append(tickets[at])
            case _:
                tickets[at], tickets[at + 1] = tickets[at + 1], tickets[at]
        assert not check(tickets, True).clean, (at, what)
