"""Reads topics to their end and judges them: order per key, gaps, duplicates."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition, RawRecord, Ticket
from ticketpool.core.order import EXAMPLES, Checker, Findings, run_of
from ticketpool.kafka.reader import Reader, Span

Progress = Callable[[int, int], None]
"""Called with offsets read and offsets to read, several times a second."""


class Unreadable(msgspec.Struct, frozen=True):
    """A record that is no ticket."""

    topic: str
    partition: int
    offset: int
    reason: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on all topics together; ``verify --json`` prints it.

    Attributes:
        ok: nothing lost, repeated, out of order or unreadable.
        records: read, those of other runs (``--run``) and unreadable ones included.
        throughput_per_s: records read and checked a second.
        run: the only run that was looked at, if asked for.
        runs, keys, partitions: how many.
        by_run: one entry per topic and run, with the bounds of its order_ids.
        evidence: the first few of ``out_of_order``, ``duplicates``, ``lost``, ``unreadable``.

    The other counts are those of ``ticketpool.core.order.Findings``.
    """

    ok: bool
    produced: int
    processed: int
    lost: int
    duplicates: int
    out_of_order: int
    throughput_per_s: float
    unreadable: int
    records: int
    seconds: float
    topics: list[str]
    run: str | None
    runs: int
    keys: int
    split_keys: int
    unkeyed: int
    partitions: int
    by_run: list[dict[str, Any]]
    evidence: dict[str, list[dict[str, Any]]]


class _Examination:
    """One reading: a checker per topic, and what could not be read."""

    def __init__(self, topics: Iterable[str], run: str | None) -> None:
        self.checkers = {topic: Checker() for topic in topics}
        self.records = 0
        self.unreadable = 0
        self.examples: list[Unreadable] = []
        self._run = run
        self._decode = msgspec.json.Decoder(Ticket).decode

    def take(self, records: Iterable[RawRecord]) -> None:
        checkers, decode, only = self.checkers, self._decode, self._run
        for record in records:
            self.records += 1
            try:
                ticket = decode(record.value())  # type: ignore[arg-type]
            except Exception as error:  # also UnicodeDecodeError, RecursionError, TypeError (null)
                self._refuse(record, error)
                continue
            run = run_of(ticket)
            if only is None or run == only:
                place, offset = record.partition(), record.offset()
                checkers[record.topic()].feed(run, record.key(), ticket.order_id, place, offset)  # type: ignore[index, arg-type]

    def _refuse(self, record: RawRecord, error: Exception) -> None:
        self.unreadable += 1
        if len(self.examples) < EXAMPLES:
            topic, partition, offset = record.topic(), record.partition(), record.offset()
            reason = "null value (a tombstone)" if record.value() is None else str(error)
            self.examples.append(Unreadable(topic, partition, offset, reason))  # type: ignore[arg-type]


def verify(
    kafka: KafkaConfig,
    topics: Iterable[str],
    *,
    run: str | None = None,
    progress: Progress = lambda done, total: None,
) -> Report:
    """Read the topics up to where they end now, and judge.

    Joins no group, commits nothing. Blocks until read; KeyboardInterrupt passes.

    Args:
        run: look at this run's tickets only (8 hex digits, or ``""``: other programs').

    Raises:
        BrokerUnreachable, NotAuthorised, TopicMissing, ConfigError.
    """
    reader = Reader(kafka, topics)
    try:
        examination = _Examination({place.topic for place in reader.spans}, run)
        started = time.monotonic()
        total = sum(span.high - span.low for span in reader.spans.values())
        for records in reader.batches():
            examination.take(records)
            progress(examination.records, total)
        progress(total, total)
        return _report(examination, reader.spans, run, time.monotonic() - started)
    finally:
        reader.close()


def _report(
    seen: _Examination, spans: Mapping[Partition, Span], run: str | None, seconds: float
) -> Report:
    found = {
        topic: checker.findings(from_one=_whole(topic, spans))
        for topic, checker in sorted(seen.checkers.items())
    }
    values = list(found.values())
    counts = {name: sum(getattr(one, name) for one in values) for name in _SUMMED}
    readable = not seen.unreadable or run is not None  # a torn ticket of the run is a gap in it
    met = run is None or counts["processed"] > 0
    return Report(
        ok=all(one.clean for one in values) and readable and met,
        throughput_per_s=round(seen.records / seconds, 1) if seen.records else 0.0,
        unreadable=seen.unreadable,
        records=seen.records,
        seconds=round(seconds, 3),
        topics=list(found),
        run=run,
        runs=sum(len(one.runs) for one in values),
        partitions=len(spans),
        by_run=list(_tagged(found, "runs")),
        evidence={
            "out_of_order": list(_tagged(found, "late")),
            "duplicates": list(_tagged(found, "repeated")),
            "lost": list(_tagged(found, "gaps")),
            "unreadable": [msgspec.structs.asdict(one) for one in seen.examples],
        },
        **counts,
    )


_SUMMED = (
    "produced",
    "processed",
    "lost",
    "duplicates",
    "out_of_order",
    "keys",
    "split_keys",
    "unkeyed",
)


def _whole(topic: str, spans: Mapping[Partition, Span]) -> bool:
    """Whether nothing has been removed from the head of any partition of a topic."""
    return all(span.low == 0 for place, span in spans.items() if place.topic == topic)


def _tagged(found: Mapping[str, Findings], name: str) -> Iterator[dict[str, Any]]:
    for topic, findings in found.items():
        for one in getattr(findings, name):
            yield {"topic": topic, **msgspec.structs.asdict(one)}
