"""What ``handlers.spin_noted`` has noted: when each worker had records at hand."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.support import eventually


class Note(NamedTuple):
    """One line: begun and until (monotonic), without a record for so long, how many so far."""

    began_ns: int
    until_ns: int
    idle_ns: int
    done: int


Worker = Sequence[Note]


def workers(journal: Path) -> list[Worker]:
    """The notes of each worker process that has written any."""
    files = [file.read_text().splitlines(True) for file in journal.iterdir()]
    return [
        [Note(*map(int, line.split())) for line in lines if line.endswith("\n")] for lines in files
    ]


def await_count(journal: Path, count: int, seconds: float) -> list[Worker]:
    """The workers' notes, once they tell of so many records."""

    def all_told() -> list[Worker] | None:
        found = workers(journal)
        return found if sum(notes[-1].done for notes in found) >= count else None

    found = eventually(all_told, seconds=seconds)
    assert found is not None
    return found


def span_seconds(found: Sequence[Worker]) -> float:
    """From the first record of any to the last note of all."""
    began = min(notes[0].began_ns for notes in found)
    return (max(notes[-1].until_ns for notes in found) - began) / 1e9


def busy(found: Sequence[Worker]) -> list[float]:
    """The share of time in which each worker had a record at hand, from the first record of
    any until the first of them has done all of its own."""
    began = min(notes[0].began_ns for notes in found)
    until = min(notes[-1].until_ns for notes in found)
    return [1 - _idle_ns(notes, began, until) / (until - began) for notes in found]


def _idle_ns(notes: Worker, began: int, until: int) -> int:
    within = [note for note in notes if note.until_ns <= until]
    if not within:
        return until - began
    return notes[0].began_ns - began + within[-1].idle_ns
