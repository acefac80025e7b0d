"""*Supervisor side.* The run of an input: read here, sent by the process of each key.

Constant memory: a piece of the input is read when every process has taken what it
got, and the processes take no more than their librdkafka has room for.
"""

import math
import selectors
import time
from collections.abc import Iterable

from ticketpool.config import ProduceConfig
from ticketpool.core.schedule import Schedule
from ticketpool.log import get
from ticketpool.produce.complaints import Complaints
from ticketpool.produce.crew import Crew
from ticketpool.produce.failed import FailedFile
from ticketpool.produce.frames import End, FromWorker, Undelivered
from ticketpool.produce.items import Bad, Parsed
from ticketpool.produce.lines import Line, Splitter
from ticketpool.produce.parsing import Wanted, parser_of
from ticketpool.produce.routing import Router
from ticketpool.produce.source import Source
from ticketpool.produce.summary import Summary

_PENDING_BYTES = 256 << 10  # queued for a process: above it, no more is read
_LEAST_SECONDS = 0.001

log = get(__name__)


class Feeder(Crew):
    """Has the lines of an input sent; ``stop`` reads no more, and delivers what was read.

    Raises:
        ConfigError: the name of a field cannot be one.

    Attributes:
        accepted: lines given to a process.
        bad: lines that are no tickets.
        empty: lines left out.
    """

    def __init__(
        self, config: ProduceConfig, source: Source, failed: FailedFile, run: str | None = None
    ) -> None:
        super().__init__(config, config.workers, failed, run)
        self.accepted = self.bad = self.empty = 0
        self._source = source
        self._splitter = Splitter()
        wanted = Wanted(config.key_field, config.timestamp_field)
        self._parser = parser_of(config.form_of_input, wanted)
        self._router = Router(self.workers)
        self._schedule = Schedule(config.rate, config.ramp_seconds, config.jitter)
        self._complaints = Complaints(failed.path)
        self._lines: list[Line] = []  # read, and not due yet
        self._taken = 0
        self._watched = False  # the input is in the selector
        self._closed = False  # no more lines are given to the processes
        self._refusal = ""  # why --strict stopped
        self._refused_line = 0  # and at which line, where it was one

    def step(self, seconds: float) -> bool:
        busy = self._feed()
        self._watch_input()
        self._handle_events(0 if busy else min(seconds, self._idle_seconds()))
        self._begin_when_ready()
        self._complaints.tell_more()
        return len(self._ended) < self.workers

    def stop(self) -> None:
        if not self._stopped:
            self._stopped = True
            log.info("stopping", doing="delivering what has been read", next_line=self._next_line)

    def summary(self) -> Summary:
        self._complaints.tell_more(at_end=True)
        counts = self.counts()
        failed = self.accepted - counts.delivered
        return self._summary(
            failed,
            failed - counts.failed,
            ok=not (failed or self.bad or self._crashed),
            read=self.accepted + self.bad + self.empty,
            bad=self.bad,
            empty=self.empty,
            next_line=self._next_line,
            refusal=self._refusal,
        )

    @property
    def trouble(self) -> str:
        bad = [f"{self.bad:,} bad lines"] if self.bad else []
        return ", ".join([text for text in [super().trouble] if text] + bad)

    @property
    def _next_line(self) -> int | None:
        """Where to go on; ``None`` when all has been read."""
        if self._refused_line:
            return self._refused_line
        return None if self._exhausted else self._parser.unread

    @property
    def _exhausted(self) -> bool:
        return self._source.ended and not self._lines

    # ---- from the input to the processes

    def _feed(self) -> bool:
        """Pass on what is due and fits; whether there may be more at once."""
        if not self._zero_ns or self._closed:
            return False
        if self._stopped:
            self._finish()
            return False
        if self._full:
            return False
        read = self._read_piece()
        if lines := self._due_lines():
            self._pass_on(self._parser.parse(lines))
        elif self._exhausted:
            self._pass_on(self._parser.end())
            self._finish()
        return read or bool(lines)

    @property
    def _full(self) -> bool:
        return any(child.channel.pending_bytes > _PENDING_BYTES for child in self._children)

    def _read_piece(self) -> bool:
        if self._exhausted or self._lines:
            return False
        piece = self._source.read()
        self._lines = self._splitter.end() if self._source.ended else self._splitter.feed(piece)
        return bool(piece)

    def _due_lines(self) -> list[Line]:
        due = len(self._lines)
        if self.config.rate:
            due = self._schedule.released(self._elapsed()) - self._taken
        lines, self._lines = self._lines[:due], self._lines[due:]
        self._taken += len(lines)
        return lines

    def _elapsed(self) -> float:
        return (time.monotonic_ns() - self._zero_ns) / 1e9

    def _idle_seconds(self) -> float:
        if not self._lines or not self.config.rate:
            return math.inf
        return max(_LEAST_SECONDS, self._schedule.due_seconds(self._taken) - self._elapsed())

    def _pass_on(self, each: Iterable[Parsed]) -> None:
        for parsed in each:
            if parsed is None:
                self.empty += 1
            elif isinstance(parsed, Bad):
                self._on_bad(parsed)
                if self.config.strict:
                    break
            else:
                self.accepted += 1
                self._router.add(parsed)
        for slot, frame in self._router.take():
            self._children[slot].channel.send(frame)
            self._watch(slot)

    def _finish(self) -> None:
        self._closed = True
        for slot, child in enumerate(self._children):
            child.channel.send(End())
            self._watch(slot)

    # ---- what goes wrong

    def _on_bad(self, bad: Bad) -> None:
        self.bad += 1
        self._failed.add([bad.kept])
        self._complaints.tell(bad)
        if self.config.strict:
            self._refused_line = bad.line
            self._refuse(f"line {bad.line} {bad.reason}")

    def _refuse(self, why: str) -> None:
        self._refusal = self._refusal or why
        self.stop()

    def _on_frame(self, slot: int, frame: FromWorker) -> None:
        super()._on_frame(slot, frame)
        if isinstance(frame, Undelivered) and self.config.strict:
            self._refuse(f"{frame.count} tickets were not delivered: {frame.reason}")

    # ---- the pipes

    def _receive(self, slot: int) -> None:
        """Also called when the process has room again."""
        self._children[slot].channel.flush()
        super()._receive(slot)
        self._watch(slot)

    def _watch(self, slot: int) -> None:
        """Be told of room in the pipe only while something waits for it."""
        channel = self._children[slot].channel
        if slot not in self._ended:
            events = selectors.EVENT_READ
            events |= selectors.EVENT_WRITE if channel.pending_bytes else 0
            self._selector.modify(channel.fd, events, (self._receive, slot))

    def _watch_input(self) -> None:
        """Be told of more input only while some is wanted."""
        wanted = self._source.waits and not (
            self._closed or self._stopped or self._full or self._lines or self._source.ended
        )
        if wanted and not self._watched:
            self._selector.register(self._source.fd, selectors.EVENT_READ, (_ignore, -1))
        elif self._watched and not wanted:
            self._selector.unregister(self._source.fd)
        self._watched = wanted


def _ignore(_: int) -> None:
    """There is something to read; the next step reads it."""
