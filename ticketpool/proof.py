"""Reads the trace logs of all processes that ``run --trace-log`` left, and asks the oracle."""

import time
from collections.abc import Iterable, Iterator
from heapq import merge
from pathlib import Path
from typing import Any

import msgspec

from ticketpool.config import KafkaConfig
from ticketpool.core import events
from ticketpool.core.oracle import Oracle, Seen, Verdict
from ticketpool.core.oracle.verdict import EXAMPLES
from ticketpool.errors import ConfigError
from ticketpool.kafka.reader import Reader

_decode = msgspec.json.Decoder(events.Event).decode


_OWN = ("logs", "events", "reread", "torn", "seconds")


class Unreadable(msgspec.Struct, frozen=True):
    """A line that is no event of ours, in the middle of a log."""

    log: str
    line: int
    reason: str


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict, and what it was read from.

    Attributes:
        logs, events: files, and lines in them that were understood.
        reread: records of Kafka that were held against the logs.
        torn: logs whose last line is not whole: their process was killed while it wrote.
        unreadable: lines that could not be understood; ``examples``: the first few.
    """

    verdict: Verdict
    logs: int
    events: int
    reread: int
    torn: int
    unreadable: int
    examples: list[Unreadable]
    seconds: float

    @property
    def ok(self) -> bool:
        """No invariant is broken, and every line was understood."""
        return self.verdict.ok and not self.unreadable

    def flat(self) -> dict[str, Any]:
        """All fields in one, as ``verify --trace --json`` prints them."""
        own = {name: getattr(self, name) for name in _OWN}
        rate = round(self.events / self.seconds, 1) if self.seconds else 0.0
        unreadable = {"unreadable": self.unreadable, "unreadable_lines": self.examples}
        verdict = msgspec.structs.asdict(self.verdict)
        return verdict | own | unreadable | {"ok": self.ok, "throughput_per_s": rate}


def prove(folder: Path, kafka: KafkaConfig | None = None, topics: Iterable[str] = ()) -> Proof:
    """Judge the logs of one machine, from one boot.

    Args:
        kafka: read these topics, too: where the logs say that Kafka left offsets out, no
            record may stand. Of records that retention has removed nothing can be told.

    Raises:
        ConfigError: there are none, or their times can't be compared.
        BrokerUnreachable, NotAuthorised, TopicMissing: with ``kafka``.
    """
    started = time.monotonic()
    logs = [_Log(path) for path in sorted(folder.glob("*.jsonl"))]
    if not logs:
        raise ConfigError(f"--trace {folder}: no logs (*.jsonl) there; see run --trace-log")
    _check_clocks(folder, logs)
    oracle = _fed(logs)
    reread = 0 if kafka is None else _reread(oracle, kafka, topics)
    problems = [problem for log in logs for problem in log.unreadable]
    return Proof(
        verdict=oracle.verdict(),
        logs=len(logs),
        events=sum(log.count for log in logs),
        reread=reread,
        torn=sum(log.torn for log in logs),
        unreadable=len(problems),
        examples=problems[:EXAMPLES],
        seconds=round(time.monotonic() - started, 3),
    )


def _reread(oracle: Oracle, kafka: KafkaConfig, topics: Iterable[str]) -> int:
    """Tell the oracle of every record in these topics; how many there are."""
    reader = Reader(kafka, topics)
    count = 0
    try:
        for records in reader.batches():
            count += len(records)
            for record in records:
                oracle.holds(record.topic(), record.partition(), record.offset())  # type: ignore[arg-type]
    finally:
        reader.close()
    return count


def _fed(logs: list["_Log"]) -> Oracle:
    oracle = Oracle()
    for seen in merge(*(log.events() for log in logs), key=_at):
        oracle.feed(seen)
    return oracle


def _at(seen: Seen) -> int:
    return seen.event.at


def _check_clocks(folder: Path, logs: list["_Log"]) -> None:
    clocks = {log.clock: log.name for log in logs if log.clock is not None}
    if len(clocks) > 1:
        raise ConfigError(
            f"--trace {folder}: {' and '.join(list(clocks.values())[:2])} are of different "
            "machines, boots or containers with clocks of their own, so their times can't be "
            "compared; check each alone"
        )


class _Log:
    """One process's log.

    Attributes:
        clock: what its times are of; ``None`` when its first line doesn't tell.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self.count = 0
        self.torn = False
        self.unreadable: list[Unreadable] = []
        self._path = path
        self._last = 0
        with path.open("rb") as file:
            self._first = file.readline()
        event = _event(self._first)
        self.clock = event.clock if isinstance(event, events.Process) else None

    def events(self) -> Iterator[Seen]:
        """Yield what it tells; the file is open only while its process lives in the merged
        times, so that a thousand logs need no thousand descriptors."""
        if self._first:
            yield from self._understood(1, self._first)
        with self._path.open("rb") as file:
            file.readline()
            for number, line in enumerate(file, 2):
                yield from self._understood(number, line)

    def _understood(self, number: int, line: bytes) -> Iterator[Seen]:
        if not line.endswith(b"\n"):
            self.torn = True
            return
        event = _event(line)
        if isinstance(event, str):
            self.unreadable.append(Unreadable(self.name, number, event))
        elif event.at < self._last:
            self.unreadable.append(Unreadable(self.name, number, "its time lies before the last"))
        else:
            self.count += 1
            self._last = event.at
            yield Seen(self.name, number, event)


def _event(line: bytes) -> events.Event | str:
    """The line's event, or why it has none."""
    try:
        event: events.Event = _decode(line)
        return event
    except Exception as error:  # also UnicodeDecodeError and RecursionError
        return f"{type(error).__name__}: {error}"
