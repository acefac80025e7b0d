"""The verdict over a soak: what the broker holds, what the handlers noted, what was sampled."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import psutil

from tests.run.journal import Entry, assert_in_order
from tests.run.journal import Place as At
from tests.run.topics import committed, ends, places, raw_headers, read
from tests.soak.members import WORKERS, Member, Place
from tests.soak.nemesis import Nemesis, Say
from tests.soak.sampler import EVERY_SECONDS, Sampler
from tests.soak.slope import LEAST_SAMPLES, Limit, Sample, after, gate
from tests.support import Command, eventually

LIMITS = {
    "RSS (MiB)": Limit(per_hour=4, in_all=16),  # librdkafka's buffers come and go
    "descriptors": Limit(per_hour=1, in_all=12),  # sockets, and a late dead letter producer: 5
    "threads": Limit(per_hour=1, in_all=6),  # of that producer: 3
    "children": Limit(per_hour=0.5, in_all=1.5),
}
"""A leak of one descriptor for each fault would be 600 an hour."""
_WARM_UP = 0.2  # of the samples' time, and no more than:
_WARM_UP_SECONDS = 300.0


class Row(NamedTuple):
    """One thing that must hold, and whether it did."""

    name: str
    ok: bool
    words: str


class Story:
    """What a soak leaves to be judged.

    Attributes:
        problems: what ended it early, in words; leftover processes too.
        delivered: tickets that the producer says are written.
        settled_seconds: from the last fault until all was committed; ``None``: it never was.
        rest: what the spared supervisor had when all was settled, if it is too much.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.problems: list[str] = []
        self.delivered: int | None = None
        self.settled_seconds: float | None = None
        self.rest: str | None = "never reached"
        self.samples: dict[str, list[Sample]] = {}
        self.faults = ""
        self.members: Sequence[Member] = ()

    def take(self, sampler: Sampler, nemesis: Nemesis, members: Sequence[Member]) -> None:
        """When the faults are over."""
        self.samples = dict(sampler.samples)
        done = ", ".join(f"{count} {what}" for what, count in sorted(nemesis.done.items()))
        self.faults = f"{done}; {nemesis.left_out.total()} left out"
        self.members = members

    def at_rest(self, member: Member) -> None:
        """Its children must be its workers, alive."""
        states: list[str] = []

        def as_begun() -> bool:
            states[:] = [child.status() for child in member.workers()]
            return len(states) == WORKERS and psutil.STATUS_ZOMBIE not in states

        try:
            eventually(as_begun, seconds=20)
            self.rest = None
        except AssertionError:
            self.rest = f"children: {states}"


def judge(story: Story, say: Say) -> list[Row]:
    """All rows; reads the topic, the dead letters, the journal and the traces."""
    say("judging")
    return [*_life(story), *_records(story), *growth(story.samples), _traces(story)]


def table(rows: Sequence[Row]) -> str:
    """For people."""
    width = max(len(row.name) for row in rows)
    return "\n".join(f"{'ok  ' if r.ok else 'FAIL'}  {r.name:{width}}  {r.words}" for r in rows)


def _life(story: Story) -> Iterator[Row]:
    yield Row("ran to its end", not story.problems, " | ".join(story.problems) or story.faults)
    seconds = story.settled_seconds
    words = "never" if seconds is None else f"{seconds:.1f} s after the last fault"
    yield Row("settled in time", seconds is not None, words)
    ends_ = [problem for member in story.members for problem in member.problems]
    codes = ", ".join(f"{m.name} {m.codes}" for m in story.members)
    yield Row("ends as asked for", not ends_, " | ".join(ends_) or f"exit codes: {codes}")
    yield Row("spared one at rest", story.rest is None, story.rest or f"{WORKERS} children")


def _records(story: Story) -> Iterator[Row]:
    place = story.place
    written, letters = places(place.kafka, place.topic), _dead_letters(place)
    entries = place.journal.entries("end")
    finished = {entry.place for entry in entries}
    yield Row("all were written", story.delivered == len(written), f"{len(written):,} records")
    yield nothing_lost(written, finished, set(letters))
    yield in_order(entries)
    yield _at_the_end(place)
    again = len(entries) - len(finished), len(letters) - len(set(letters))
    yield Row("repeated", True, f"{again[0]} handled again, {again[1]} dead letters again")


def nothing_lost(written: set[At], finished: set[At], dead: set[At]) -> Row:
    lost, unknown = sorted(written - finished - dead), sorted((finished | dead) - written)
    words = f"{len(finished):,} handled, {len(dead):,} dead letters"
    if lost or unknown:
        words += f"; lost {len(lost)}: {lost[:5]}; never written {len(unknown)}: {unknown[:5]}"
    return Row("nothing lost", not lost and not unknown, words)


def in_order(entries: list[Entry]) -> Row:
    try:
        assert_in_order(entries)
    except AssertionError as problem:
        return Row("in order", False, str(problem)[:500])
    return Row("in order", True, "first completions of each partition")


def _at_the_end(place: Place) -> Row:
    at, wanted = committed(place.kafka, place.group, place.topic), ends(place.kafka, place.topic)
    return Row(
        "commits at the end", at == wanted, f"{at}" + ("" if at == wanted else f": {wanted}")
    )


def _dead_letters(place: Place) -> list[At]:
    found = []
    for message in read(place.kafka, f"{place.topic}.dlq"):
        told = {name: (value or b"").decode() for name, value in raw_headers(message)}
        partition, offset = int(told["ticketpool-partition"]), int(told["ticketpool-offset"])
        found.append((told["ticketpool-topic"], partition, offset))
    return found


def growth(samples: dict[str, list[Sample]]) -> Iterator[Row]:
    for name, limit in LIMITS.items():
        series = samples.get(name, [])
        span = series[-1][0] - series[0][0] if series else 0.0
        warm = after(series, min(span * _WARM_UP, _WARM_UP_SECONDS))
        # half of what there should be: a sampler that died early proves nothing
        least = max(LEAST_SAMPLES, int(span * (1 - _WARM_UP) / EVERY_SECONDS / 2))
        yield Row(f"growth: {name}", *gate(warm, limit, least=least))


def _traces(story: Story) -> Row:
    command = Command(
        "verify", "--trace", str(story.place.traces), "--json", folder=story.place.folder
    )
    try:
        code = command.wait(600)
    finally:
        command.close()
    if code not in (0, 7):
        return Row("verify --trace", False, f"exit code {code}: {command.stderr[-500:]}")
    told = command.json()
    words = (
        f"{told['records']:,} records, {told['duplicates']} handled again: "
        f"{told['duplicates_by_cause']}; {told['worker_deaths']} workers died; "
        f"zombies: {told['zombies']}, {told['zombie_ms']:.0f} ms at most"
    )
    if code:
        words += f"; BROKEN {told['broken']}: {told['violations'][:2]}"
    return Row("verify --trace", code == 0, words)
