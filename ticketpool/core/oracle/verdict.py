"""What the oracle finds: violations with their evidence, and counts."""

from collections import Counter
from statistics import median
from typing import Any, NamedTuple

import msgspec

from ticketpool.core.events import Event

EXAMPLES = 5
"""How many violations of an invariant are kept, and events of one; all are counted."""

INVARIANTS = {
    "I1": "nothing is lost: all that was committed past was finished",
    "I2": "one record of a partition at a time, in rising order",
    "I3": "records are finished for the first time in order",
    "I4": "commits stay behind unfinished records, rise, and are the owner's",
    "I5": "a record is handled again only after a fault",
    "I6": "no two processes run the same partition",
    "I7": "what a worker is sent has no gaps and no steps back",
    "I10": "no lane stands still while it has records",
    "log": "the logs fit together",
}
"""What is checked, in words. I8 (transactions) and I9 (resources) leave no trace in these logs."""

DEATH = "worker died"
LOST = "partition lost"
SUDDEN = "supervisor ended without a stop"
CUT_OFF = "drain cut off or stopped by policy"
REFUSED = "commit refused or not answered"


class Seen(NamedTuple):
    """An event and where it stands: the log's name and the number of its line."""

    process: str
    line: int
    event: Event


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """A broken invariant.

    Attributes:
        invariant: a key of ``INVARIANTS``.
        words: what happened.
        evidence: the events that prove it, each with its log and line.

    The others tell where, as far as it has a place.
    """

    invariant: str
    words: str
    group: str | None = None
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    epoch: int | None = None
    process: str | None = None
    evidence: list[dict[str, Any]] = []


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The oracle's judgement.

    Attributes:
        ok: no invariant is broken.
        invariants: which hold.
        broken: how many violations there are of each.
        violations: the first few of each.
        produced: distinct records that were begun, finished or lost.
        records: distinct records whose handler was called.
        processed: distinct records that were handled, dead-lettered or skipped.
        unfinished: records that were begun and not finished by the end: to be handled again.
        lost: distinct records that were committed past and never finished.
        out_of_order: records that were finished first behind a later one.
        calls: of handlers, retries included.
        duplicates: records whose handler was called again although it had returned or had
            been cut off in the middle; by cause in ``duplicates_by_cause``.
        jumps: stretches of offsets at which Kafka had no record; ``jumped``: offsets in them.
        commits, refused_commits: as the broker answered.
        supervisors, workers, partitions: that left a trace.
        worker_deaths: workers that ended before their supervisor did.
        sudden_ends: supervisors that ended without a stop, or still run.
        resets: partitions that began anew without a commit after one had been confirmed.
        zombies: assignments whose records were still being handled after another member had
            begun there, without knowing that they were lost; ``zombie_ms``: for how long at most, a
            run that was cut off counted until its worker's death was noted.
        outlived_ms: the longest that a worker's events go on after its supervisor's last.
        resumed: how often a partition went on after its worker's death; ``resumed_ms_median``
            and ``resumed_ms_max``: from the noted death to the next call of the handler.
    """

    ok: bool
    invariants: dict[str, bool]
    broken: dict[str, int]
    violations: list[Violation]
    produced: int
    records: int
    processed: int
    unfinished: int
    lost: int
    out_of_order: int
    calls: int
    duplicates: int
    duplicates_by_cause: dict[str, int]
    jumps: int
    jumped: int
    commits: int
    refused_commits: int
    supervisors: int
    workers: int
    partitions: int
    worker_deaths: int
    sudden_ends: int
    resets: int
    zombies: int
    zombie_ms: float
    outlived_ms: float
    resumed: int
    resumed_ms_median: float
    resumed_ms_max: float


class Findings:
    """Violations and counts while the oracle reads."""

    def __init__(self) -> None:
        self.broken: Counter[str] = Counter()
        self.violations: list[Violation] = []
        self.duplicates: Counter[str] = Counter()
        self.calls = self.commits = self.refused = self.jumps = self.jumped = 0
        self.deaths = self.resets = self.zombies = self.zombie_ns = 0
        self.lost = self.lost_unseen = 0
        self.resumed_ns: list[int] = []

    def accuse(self, invariant: str, words: str, *evidence: Seen, **where: Any) -> None:
        """An invariant is broken. ``where``: fields of ``Violation``."""
        self.broken[invariant] += 1
        if self.broken[invariant] <= EXAMPLES:
            shown = [shown_event(seen) for seen in evidence[:EXAMPLES]]
            found = Violation(invariant=invariant, words=words, evidence=shown, **where)
            self.violations.append(found)

    def fields(self) -> dict[str, Any]:
        """Those of ``Verdict`` that are known from here."""
        resumed_median, resumed_max = _milliseconds(self.resumed_ns)
        return {
            "ok": not self.broken,
            "invariants": {name: not self.broken[name] for name in INVARIANTS},
            "broken": dict(self.broken),
            "violations": self.violations,
            "lost": self.lost,
            "out_of_order": self.broken["I3"],
            "calls": self.calls,
            "duplicates": self.duplicates.total(),
            "duplicates_by_cause": dict(self.duplicates),
            "jumps": self.jumps,
            "jumped": self.jumped,
            "commits": self.commits,
            "refused_commits": self.refused,
            "worker_deaths": self.deaths,
            "resets": self.resets,
            "zombies": self.zombies,
            "zombie_ms": round(self.zombie_ns / 1e6, 3),
            "resumed": len(self.resumed_ns),
            "resumed_ms_median": resumed_median,
            "resumed_ms_max": resumed_max,
        }


def shown_event(seen: Seen) -> dict[str, Any]:
    """An event as evidence."""
    return {"log": seen.process, "line": seen.line, "event": msgspec.to_builtins(seen.event)}


def _milliseconds(nanoseconds: list[int]) -> tuple[float, float]:
    """Median and maximum of times, in ms; 0 for none."""
    if not nanoseconds:
        return 0.0, 0.0
    return round(median(nanoseconds) / 1e6, 3), round(max(nanoseconds) / 1e6, 3)
