"""Reading what the handlers noted."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

Place = tuple[str, int, int]
"""Topic, partition, offset."""


class Entry(NamedTuple):
    """One line of a journal: what a handler was doing, with which record, when (monotonic)."""

    at_ns: int
    what: str
    pid: int
    topic: str
    partition: int
    offset: int
    attempt: int
    order_id: int

    @property
    def place(self) -> Place:
        return self.topic, self.partition, self.offset


class Journal:
    """The journals of all processes that have served in a test, as one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def entries(self, what: str | None = None) -> list[Entry]:
        """All that was noted so far, or the entries of one kind, in order of time."""
        lines = [line for path in self._files() for line in path.read_text().splitlines(True)]
        entries = [_entry(line) for line in lines if line.endswith("\n")]
        return sorted(entry for entry in entries if what in (None, entry.what))

    def count(self) -> int:
        """Lines so far; quicker than reading them."""
        return sum(path.read_bytes().count(b"\n") for path in self._files())

    def finished(self) -> Counter[Place]:
        """How often each record was handled to its end."""
        return Counter(entry.place for entry in self.entries("end"))

    def of(self, partition: int, what: str | None = None) -> list[Entry]:
        """The entries of a partition, whatever its topic."""
        return [entry for entry in self.entries(what) if entry.partition == partition]

    def _files(self) -> Iterable[Path]:
        return self.folder.glob("*.txt")


def _entry(line: str) -> Entry:
    what, pid, topic, partition, offset, attempt, order_id, at_ns = line.split()
    return Entry(
        int(at_ns), what, int(pid), topic, int(partition), int(offset), int(attempt), int(order_id)
    )


def first_deliveries(entries: Iterable[Entry]) -> dict[tuple[str, int], list[int]]:
    """Offsets per partition in the order in which each was seen for the first time."""
    seen: dict[tuple[str, int], dict[int, None]] = defaultdict(dict)
    for entry in entries:
        seen[entry.topic, entry.partition].setdefault(entry.offset)
    return {place: list(offsets) for place, offsets in seen.items()}


def assert_in_order(entries: Iterable[Entry]) -> None:
    """First deliveries came in the order of the offsets, in every partition."""
    for place, offsets in first_deliveries(entries).items():
        late = [b for a, b in pairwise(offsets) if b < a]
        assert not late, f"{place}: first delivered after a later one: {late}"
