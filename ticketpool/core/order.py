"""The proof of order and completeness: fed ticket by ticket, judged at the end.

A ticket is named by its run and its order_id. Over one run of ``ticketpool
produce`` the order_ids are 1 to N without a gap, each once, rising per key.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice

import msgspec

from ticketpool.core.model import Ticket

EXAMPLES = 5
"""How many offences of a kind are kept as evidence; all are counted."""

_NAMED = re.compile(r"[0-9a-f]{8}-")
_BITS = 10  # a word of 1024 order_ids: a quarter of a byte each where they are dense


def run_of(ticket: Ticket) -> str:
    """The run that wrote a ticket: 8 hex digits, or ``""`` for another program's.

    A ticket of ours is named ``<run>-<order_id>``. A UUID also starts with 8
    hex digits and a dash, so the rest must be the order_id.
    """
    name = ticket.id
    if _NAMED.match(name) and name[9:] == str(ticket.order_id):
        return name[:8]
    return ""


class Numbers:
    """A set of integers that takes a quarter of a byte for each where they are dense.

    Sparse ones cost about 200 bytes each. Numbers may be negative.
    """

    def __init__(self) -> None:
        self.count = 0
        self._words: dict[int, int] = {}

    def add(self, number: int) -> bool:
        """Add a number; whether it is new."""
        index, bit = number >> _BITS, 1 << (number & ((1 << _BITS) - 1))
        word = self._words.get(index, 0)
        if word & bit:
            return False
        self._words[index] = word | bit
        self.count += 1
        return True

    def __contains__(self, number: int) -> bool:
        word = self._words.get(number >> _BITS, 0)
        return bool(word >> (number & ((1 << _BITS) - 1)) & 1)

    def count_without(self, others: "Numbers") -> int:
        """How many members are not among the others."""
        words = others._words
        return sum((word & ~words.get(index, 0)).bit_count() for index, word in self._words.items())

    def stretches(self) -> Iterator[tuple[int, int]]:
        """Yield (first, last) of consecutive members, in rising order; neighbours may touch."""
        for index in sorted(self._words):
            word, at = self._words[index], index << _BITS
            while word:
                zeros = (word & -word).bit_length() - 1
                word >>= zeros
                ones = (~word & (word + 1)).bit_length() - 1
                word >>= ones
                yield at + zeros, at + zeros + ones - 1
                at += zeros + ones

    def bounds(self) -> tuple[int, int]:
        """The least and the greatest member. Raises ``ValueError`` when empty."""
        low, high = min(self._words), max(self._words)
        first = (self._words[low] & -self._words[low]).bit_length() - 1
        return (low << _BITS) + first, (high << _BITS) + self._words[high].bit_length() - 1

    def gaps(self, start: int) -> Iterator[tuple[int, int]]:
        """Yield (first, last) of what is missing from ``start`` to the greatest member."""
        expected = start
        for first, last in self.stretches():
            if first > expected:
                yield expected, first - 1
            expected = max(expected, last + 1)


class Offence(msgspec.Struct, frozen=True):
    """A ticket in the wrong place, as evidence.

    Attributes:
        after: the higher order_id of the same key and run that stood before it;
            ``None`` for a duplicate.
    """

    run: str
    key: str | None
    order_id: int
    partition: int
    offset: int
    after: int | None = None


class Gap(msgspec.Struct, frozen=True):
    """order_ids ``first`` to ``last`` of a run that were not met."""

    run: str
    first: int
    last: int


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One run. ``expected`` counts from ``first`` to ``last``, the bounds of its order_ids."""

    run: str
    first: int
    last: int
    expected: int
    met: int
    keys: int
    split_keys: int

    @property
    def lost(self) -> int:
        """order_ids between the bounds that were not met."""
        return self.expected - self.met


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What a ``Checker`` has found.

    Attributes:
        records: tickets fed.
        produced: tickets that must exist, going by their order_ids.
        processed: distinct tickets among those fed.
        lost: produced and never fed.
        duplicates: fed again.
        out_of_order: first met behind a higher order_id of the same key, run and partition.
        keys: distinct keys, per run.
        split_keys: keys of one run in several partitions; no order holds between those.
        unkeyed: tickets without a key; Kafka promises them no order, so it was not checked.
        late, repeated, gaps: the first few of ``out_of_order``, ``duplicates`` and ``lost``.
    """

    records: int
    produced: int
    processed: int
    lost: int
    duplicates: int
    out_of_order: int
    keys: int
    split_keys: int
    unkeyed: int
    runs: list[RunSummary]
    late: list[Offence]
    repeated: list[Offence]
    gaps: list[Gap]

    @property
    def clean(self) -> bool:
        """Nothing lost, repeated or out of order."""
        return not (self.lost or self.duplicates or self.out_of_order)


class _Run:
    def __init__(self) -> None:
        self.numbers = Numbers()
        self.highest: defaultdict[int, dict[bytes, int]] = defaultdict(dict)  # partition → key

    def summary(self, name: str, from_one: bool) -> RunSummary:
        first, last = self.numbers.bounds()
        if from_one and name:
            first = min(first, 1)
        keys, split = self._keys()
        return RunSummary(
            run=name,
            first=first,
            last=last,
            expected=last - first + 1,
            met=self.numbers.count,
            keys=len(keys),
            split_keys=len(split),
        )

    def _keys(self) -> tuple[set[bytes], set[bytes]]:
        keys: set[bytes] = set()
        split: set[bytes] = set()
        for lane in self.highest.values():
            split |= keys & lane.keys()
            keys |= lane.keys()
        return keys, split


class Checker:
    """Checks tickets as they come. Holds a quarter byte per ticket and one entry per key."""

    def __init__(self) -> None:
        self._runs: defaultdict[str, _Run] = defaultdict(_Run)
        self._records = self._duplicates = self._out_of_order = self._unkeyed = 0
        self._late: list[Offence] = []
        self._repeated: list[Offence] = []

    def feed(self, run: str, key: bytes | None, order_id: int, partition: int, offset: int) -> None:
        """Take the next ticket of a partition; partitions may come in any mixture."""
        self._records += 1
        state = self._runs[run]
        if not state.numbers.add(order_id):
            self._duplicates += 1
            _note(self._repeated, run, key, order_id, partition, offset)
        elif key is None:
            self._unkeyed += 1
        else:
            highest = state.highest[partition]
            before = highest.get(key, order_id)
            if order_id >= before:
                highest[key] = order_id
                return
            self._out_of_order += 1
            _note(self._late, run, key, order_id, partition, offset, before)

    def findings(self, *, from_one: bool = False) -> Findings:
        """What has been found so far.

        Args:
            from_one: named runs are known to begin with order_id 1, because
                nothing has been removed from the head of their partitions.
        """
        runs = [state.summary(name, from_one) for name, state in sorted(self._runs.items())]
        gaps = (
            Gap(run.run, first, last)
            for run in runs
            for first, last in self._runs[run.run].numbers.gaps(run.first)
        )
        return Findings(
            records=self._records,
            produced=sum(run.expected for run in runs),
            processed=sum(run.met for run in runs),
            lost=sum(run.lost for run in runs),
            duplicates=self._duplicates,
            out_of_order=self._out_of_order,
            keys=sum(run.keys for run in runs),
            split_keys=sum(run.split_keys for run in runs),
            unkeyed=self._unkeyed,
            runs=runs,
            late=list(self._late),
            repeated=list(self._repeated),
            gaps=list(islice(gaps, EXAMPLES)),
        )


def _note(
    examples: list[Offence],
    run: str,
    key: bytes | None,
    order_id: int,
    partition: int,
    offset: int,
    after: int | None = None,
) -> None:
    if len(examples) < EXAMPLES:
        shown = None if key is None else key.decode(errors="backslashreplace")
        examples.append(Offence(run, shown, order_id, partition, offset, after))
