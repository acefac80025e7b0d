"""*Supervisor side.* The producer processes of a run: started, watched, counted.

What they write is told by a subclass: ``Coordinator`` for generated tickets,
``Feeder`` for those of an input.
"""

import os
import selectors
import time
from abc import ABC, abstractmethod
from typing import Any

from ticketpool import errors
from ticketpool.config import ProduceConfig
from ticketpool.errors import TicketpoolError, WorkerStartFailed
from ticketpool.ipc.child import Child
from ticketpool.log import get
from ticketpool.produce.failed import FailedFile
from ticketpool.produce.frames import (
    Failed,
    FromWorker,
    Hello,
    Line,
    Outage,
    Ready,
    Returned,
    Start,
    Undelivered,
)
from ticketpool.produce.summary import LatencyMs, Summary, milliseconds
from ticketpool.produce.tally import GIVE_UP, LAST_NS, WORDS, Counts, counts_of, latency_of

START_SECONDS = 15.0
"""How long the processes may take until all are ready."""
GIVE_UP_SECONDS = 3.0
"""How long giving back may take after a second signal."""
_HEAD_START_NS = 10_000_000  # the start reaches all processes before the first ticket is due
_STDERR = 2  # standard output is for the JSON summary alone

log = get(__name__)


class Crew(ABC):
    """A run of producer processes; use it as a context manager, on the main thread.

    The calls in turn: ``start``, then ``step`` until it returns ``False``, then
    ``summary``. ``stop`` at any time ends the run in good order.

    Args:
        failed: takes what was not delivered.
        run: eight hexadecimal digits that the ids of this run begin with.

    Attributes:
        total: tickets in all, ``None`` while that is open.
        reasons: undelivered tickets by reason.
    """

    total: int | None = None

    def __init__(
        self, config: ProduceConfig, workers: int, failed: FailedFile, run: str | None
    ) -> None:
        self.config = config
        self.run = run or os.urandom(4).hex()
        self.workers = workers
        self.reasons: dict[str, int] = {}
        self._failed = failed
        self._children: list[Child[FromWorker]] = []
        self._ended: dict[int, int] = {}  # exit status by slot
        self._ready: set[int] = set()
        self._without_broker: set[int] = set()
        self._selector = selectors.DefaultSelector()
        self._zero_ns = 0  # 0: not started
        self._deadline = 0.0
        self._give_up_by = 0.0  # 0: not asked for
        self._crashed = False
        self._stopped = False

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- the run

    def start(self) -> None:
        """Start the processes; the clock starts in a ``step``, once all are ready."""
        self._deadline = time.monotonic() + START_SECONDS
        for slot in range(self.workers):
            self._spawn(slot)

    @abstractmethod
    def step(self, seconds: float) -> bool:
        """Wait for news, up to ``seconds``; ``False`` once every process has ended.

        Raises:
            ConfigError: a Kafka property is refused.
            WorkerStartFailed: a process died, or was not ready in ``START_SECONDS``.
            TicketpoolError: what failed cannot be kept.
        """

    @abstractmethod
    def stop(self) -> None:
        """Begin no more tickets; those that were begun are still delivered."""

    def _begin_when_ready(self) -> None:
        if self._zero_ns:
            return
        if self._ended or time.monotonic() > self._deadline:
            how = "ended" if self._ended else f"was not ready within {START_SECONDS:g} s"
            raise WorkerStartFailed(f"a producer process {how} while starting")
        if len(self._ready) == self.workers:
            self._zero_ns = time.monotonic_ns() + _HEAD_START_NS
            for child in self._children:
                child.channel.send(Start(self._zero_ns))

    def give_up(self, *, at_once: bool = False) -> None:
        """Wait for no delivery any more: what is left goes to the ``--failed`` file.

        Processes that take longer than ``GIVE_UP_SECONDS`` for that are killed, and all
        of them are where nothing is kept, or ``at_once``.
        """
        if not self._give_up_by:
            self._give_up_by = time.monotonic() + GIVE_UP_SECONDS
            for child in self._children:
                child.words.cells[GIVE_UP] = 1
        late = time.monotonic() > self._give_up_by
        if late or at_once or self._failed.path is None:
            self.kill()

    def kill(self) -> None:
        """End every process at once; what they have counted can still be read."""
        for slot, child in enumerate(self._children):
            if slot not in self._ended:
                child.kill()
                self._ended[slot] = child.wait() or 0

    def close(self) -> None:
        """Kill what still runs and release everything. May be called again."""
        self.kill()
        for child in self._children:
            child.close()
        self._children = []
        self._selector.close()

    # ---- what it tells

    def counts(self) -> Counts:
        """Tickets so far, over all processes."""
        each = [counts_of(child.words.cells) for child in self._children]
        return Counts(*map(sum, zip(*each, strict=True))) if each else Counts(0, 0, 0)

    @property
    def trouble(self) -> str:
        """What has gone wrong so far, in a few words; empty: nothing."""
        failed = self.counts().failed
        return f"{failed:,} failed" if failed else ""

    def latency(self) -> LatencyMs:
        """From produce to acknowledgement, over all tickets delivered so far."""
        histogram, longest = latency_of(child.words.cells for child in self._children)
        return LatencyMs(
            p50=milliseconds(histogram.quantile_seconds(0.5), longest),
            p99=milliseconds(histogram.quantile_seconds(0.99), longest),
            max=milliseconds(longest, longest),
        )

    def elapsed_seconds(self) -> float:
        """From the start to the last report of a delivery."""
        last = max((child.words.cells[LAST_NS] for child in self._children), default=0)
        return max(0, last - self._zero_ns) / 1e9

    @abstractmethod
    def summary(self) -> Summary:
        """What the run came to. Ask before ``close``; tickets of which nothing was
        heard count as failed."""

    def _summary(self, failed: int, unheard_of: int, **more: Any) -> Summary:
        counts, seconds = self.counts(), self.elapsed_seconds()
        return Summary(
            delivered=counts.delivered,
            failed=failed,
            seconds=round(seconds, 3),
            rate_per_s=self._rate(counts.delivered, seconds),
            rate_wanted_per_s=self.config.rate,
            latency_ms=self.latency(),
            run=self.run,
            topic=self.config.topic,
            workers=self.workers,
            reasons=self._all_reasons(unheard_of),
            kept=self._failed.lines,
            kept_in=self._failed.path,
            **more,
        )

    def _rate(self, delivered: int, seconds: float) -> float:
        """Tickets a second, each with the interval that follows it: ten tickets at
        ten a second are sent within 0.9 seconds, and that is the pace wanted."""
        wanted = self.config.rate
        lasted = max(seconds, delivered / wanted) if wanted else seconds
        return round(delivered / lasted, 3) if lasted else 0.0

    def _all_reasons(self, unheard_of: int) -> dict[str, int]:
        lost = {"its process ended before an acknowledgement": unheard_of} if unheard_of else {}
        return {**self.reasons, **lost}

    # ---- the processes

    def _spawn(self, slot: int) -> None:
        child: Child[FromWorker] = Child(
            "ticketpool.produce.worker",
            FromWorker,
            words=WORDS,
            environment=os.environ,
            stdout=_STDERR,
        )
        self._children.append(child)
        self._prepare(child.words.cells)
        self._selector.register(child.channel.fd, selectors.EVENT_READ, (self._receive, slot))
        self._selector.register(child.pidfd, selectors.EVENT_READ, (self._reap, slot))
        child.channel.send(Hello(slot, self.workers, self.run, self.config))

    def _prepare(self, cells: memoryview) -> None:
        """Fill in the shared words of a new process; here, none."""
        return

    def _handle_events(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            handle, slot = key.data
            handle(slot)

    def _receive(self, slot: int) -> None:
        for frame in self._children[slot].channel.receive():
            self._on_frame(slot, frame)

    def _on_frame(self, slot: int, frame: FromWorker) -> None:
        match frame:
            case Ready():
                self._ready.add(slot)
            case Failed(error, message):
                self._on_failed(slot, error, message)
            case Undelivered(reason, count):
                self.reasons[reason] = self.reasons.get(reason, 0) + count
                log.warning("undelivered", worker=slot, tickets=count, reason=reason)
            case Returned():
                self._failed.add_returned(frame)
            case Outage(reason):
                self._on_outage(slot, reason)
            case Line(level, logger, message):
                log.log(level, logger, worker=slot, line=message)

    def _on_failed(self, slot: int, error: str, message: str) -> None:
        if slot not in self._ready:
            kind: Any = getattr(errors, error, TicketpoolError)
            raise kind(message)
        log.error("producer failed", worker=slot, error=message)

    def _on_outage(self, slot: int, reason: str | None) -> None:
        before = bool(self._without_broker)
        if reason is None:
            self._without_broker.discard(slot)
        else:
            self._without_broker.add(slot)
        if bool(self._without_broker) == before:
            return
        if reason is None:
            log.info("broker back", bootstrap_servers=self.config.kafka.bootstrap_servers)
        else:
            log.warning("broker lost", reason=reason, doing="trying again until it is back")

    def _reap(self, slot: int) -> None:
        child = self._children[slot]
        self._receive(slot)  # its last words
        self._selector.unregister(child.channel.fd)
        self._selector.unregister(child.pidfd)
        status = self._ended[slot] = child.reap() or 0
        if status and self._zero_ns:
            self._on_crash(slot, status)

    def _on_crash(self, slot: int, status: int) -> None:
        """Its keys can't go on elsewhere without a gap in their order, so the run ends."""
        self._crashed = True
        self._without_broker.discard(slot)
        lost = counts_of(self._children[slot].words.cells).under_way
        log.error("producer process died", worker=slot, status=status, undelivered=lost)
        self.stop()
