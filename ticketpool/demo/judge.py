"""The verdict of the demo, from what stands in the topic and in the journals. Pure."""

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from ticketpool.demo.journal import Entry


class Stood(msgspec.Struct, frozen=True, gc=False):
    """One record of the topic, read back after the run."""

    partition: int
    offset: int
    order_id: int
    id: str
    key: bytes | None


class Crash(msgspec.Struct, frozen=True, kw_only=True):
    """A worker that was killed.

    Attributes:
        worker, pid: its slot and process.
        at_ticket: how many tickets had been handled by then.
        restart_seconds: until another process was ready in its slot; ``None``: never.
    """

    worker: int
    pid: int
    at_ticket: int
    restart_seconds: float | None = None


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to judge.

    Attributes:
        delivered, failed: tickets, by the summary of ``produce``.
        topic: what was read back.
        entries: what the workers wrote down.
        uncommitted: records behind the group's committed offsets after the stop.
        crash: the worker that was killed, if one was.
        crash_wanted: one was to be killed.
    """

    delivered: int
    failed: int
    topic: list[Stood]
    entries: list[Entry]
    uncommitted: int = 0
    crash: Crash | None = None
    crash_wanted: bool = False


class LatencyMs(msgspec.Struct, frozen=True):
    """Produced to handled, in milliseconds; 0 when nothing was handled."""

    p50: float
    p99: float
    max: float


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome; ``demo --json`` prints it.

    Attributes:
        ok: no ``problems``.
        produced: tickets that the cluster acknowledged.
        processed: distinct ones among them that a worker handled.
        lost: produced and not processed.
        duplicates: handled again; ``redelivered`` of them because of the crash.
        out_of_order: first handled behind a later one of its partition or key.
        throughput_per_s: between the first and the last ticket handled.
        problems: what is wrong, in words.
    """

    ok: bool
    produced: int
    processed: int
    lost: int
    duplicates: int
    out_of_order: int
    throughput_per_s: float
    latency_ms: LatencyMs
    redelivered: int
    processes: int
    crash: Crash | None
    problems: list[str]


def judge(evidence: Evidence) -> Verdict:
    """Compare what was produced, what stands in the topic and what was handled."""
    first, again = _deliveries(evidence.entries)
    handled = {_identity(entry) for entry in first}
    stood = {_identity(record) for record in evidence.topic}
    produced = max(evidence.delivered, len(stood))
    redelivered = _redelivered(first, again, evidence.crash)
    counts = {
        "lost": produced - len(stood & handled),
        "duplicates": len(again),
        "out_of_order": _out_of_order(first),
    }
    unexplained = len(again) - redelivered
    foreign = len(handled - stood)
    problems = list(_problems(evidence, unexplained=unexplained, foreign=foreign, **counts))
    return Verdict(
        ok=not problems,
        produced=produced,
        processed=len(stood & handled),
        throughput_per_s=_throughput(first),
        latency_ms=_latency(first),
        redelivered=redelivered,
        processes=len({entry.pid for entry in first}),
        crash=evidence.crash,
        problems=problems,
        **counts,
    )


def _problems(
    evidence: Evidence,
    *,
    lost: int,
    duplicates: int,
    out_of_order: int,
    unexplained: int,
    foreign: int,
) -> Iterable[str]:
    if not evidence.entries:
        yield "nothing was processed"
    if lost:
        yield f"{lost:,} lost"
    if out_of_order:
        yield f"{out_of_order:,} out of order"
    if unexplained:
        yield f"{unexplained:,} of {duplicates:,} duplicates that no crash explains"
    if foreign:
        yield f"{foreign:,} handled that do not stand in the topic"
    if evidence.failed:
        yield f"{evidence.failed:,} not delivered by the producer"
    if evidence.uncommitted:
        yield f"{evidence.uncommitted:,} processed and not committed"
    if evidence.crash_wanted and evidence.crash is None:
        yield "no worker could be killed half-way"
    if evidence.crash is not None and evidence.crash.restart_seconds is None:
        yield "the killed worker was not replaced"


def _deliveries(entries: Iterable[Entry]) -> tuple[list[Entry], list[Entry]]:
    """First deliveries and repeated ones, each in the order of time."""
    met: set[tuple[int, int]] = set()
    first: list[Entry] = []
    again: list[Entry] = []
    for entry in sorted(entries, key=lambda entry: entry.at_ns):
        place = (entry.partition, entry.offset)
        (again if place in met else first).append(entry)
        met.add(place)
    return first, again


def _identity(one: Entry | Stood) -> tuple[int, int, int, str, bytes | None]:
    return one.partition, one.offset, one.order_id, one.id, one.key


def _out_of_order(first: Iterable[Entry]) -> int:
    highest: dict[int | bytes, int] = {}  # offset by partition, order_id by key
    late = 0
    for entry in first:
        orders: list[tuple[int | bytes, int]] = [(entry.partition, entry.offset)]
        if entry.key is not None:
            orders.append((entry.key, entry.order_id))
        late += any(number < highest.get(lane, number) for lane, number in orders)
        highest |= {lane: max(number, highest.get(lane, number)) for lane, number in orders}
    return late


def _redelivered(first: Iterable[Entry], again: Iterable[Entry], crash: Crash | None) -> int:
    """How many repeated deliveries the crash explains.

    Those are, for each partition, the last that the killed process handled, up to
    its very last: handled, and dead before the acknowledgement was read. Once each.
    """
    if crash is None:
        return 0
    killed: defaultdict[int, list[int]] = defaultdict(list)
    for entry in first:
        if entry.pid == crash.pid:
            killed[entry.partition].append(entry.offset)
    repeated: defaultdict[int, set[int]] = defaultdict(set)
    for entry in again:
        if entry.pid != crash.pid:
            repeated[entry.partition].add(entry.offset)
    return sum(_tail(killed[partition], offsets) for partition, offsets in repeated.items())


def _tail(handled: list[int], repeated: set[int]) -> int:
    """How many of ``handled``, from the last backwards without a gap, are in ``repeated``."""
    count = 0
    for offset in reversed(handled):
        if offset not in repeated:
            break
        count += 1
    return count


def _throughput(first: list[Entry]) -> float:
    if len(first) < 2:
        return 0.0
    seconds = (first[-1].at_ns - first[0].at_ns) / 1e9
    return round((len(first) - 1) / seconds, 1) if seconds else 0.0


def _latency(first: Iterable[Entry]) -> LatencyMs:
    sorted_ns = sorted(entry.latency_ns for entry in first)
    if not sorted_ns:
        return LatencyMs(0.0, 0.0, 0.0)
    last = len(sorted_ns) - 1
    p50, p99, worst = (sorted_ns[round(q * last)] / 1e6 for q in (0.5, 0.99, 1.0))
    return LatencyMs(round(p50, 3), round(p99, 3), round(worst, 3))
