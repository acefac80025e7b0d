"""What there is to see of the demo at one moment, as values. Pure."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from ticketpool.core.latency import Histogram, bucket_of
from ticketpool.core.status import ServiceStatus
from ticketpool.demo.journal import Entry
from ticketpool.demo.judge import Crash

BIN_NS = 500_000_000
"""Tickets are counted per half second for the sparklines."""
PULSE_BINS = 40
"""How many half seconds a sparkline goes back where there is room."""


class DemoConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What ``ticketpool demo`` may be told."""

    seconds: float = 10.0
    rate: float = 100.0  # tickets a second
    workers: int = 4
    keys: int = 100
    crash: bool = False

    @property
    def expected(self) -> int:
        """How many tickets that makes."""
        return round(self.rate * self.seconds)


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """One moment.

    Attributes:
        stage: what is going on, in a word or two.
        seconds: since the first ticket was handled; 0 before.
        handled: distinct tickets handled so far.
        rate: tickets handled a second, over the last one.
        p50_ms, p99_ms: produced to handled; ``None`` before the first.
        pulse: by partition, tickets handled in each of the latest half seconds.
        status: what the supervisor told last; ``None`` before it answered.
    """

    config: DemoConfig
    stage: str
    seconds: float = 0.0
    handled: int = 0
    rate: float = 0.0
    p50_ms: float | None = None
    p99_ms: float | None = None
    pulse: dict[int, list[int]] = {}
    status: ServiceStatus | None = None
    crash: Crash | None = None

    @property
    def lag(self) -> int:
        """Records that wait, over all partitions, as far as known."""
        return sum(one.lag or 0 for one in self.status.partitions) if self.status else 0


class Meter:
    """Counts entries for the view as they come."""

    def __init__(self) -> None:
        self._met: set[tuple[int, int]] = set()
        self._latency = Histogram()
        self._bins: Counter[tuple[int, int]] = Counter()

    @property
    def handled(self) -> int:
        """Distinct tickets."""
        return len(self._met)

    def add(self, entries: Iterable[Entry]) -> None:
        """Count entries; repeated deliveries count in the pulse alone."""
        for entry in entries:
            self._bins[entry.partition, entry.at_ns // BIN_NS] += 1
            if (place := (entry.partition, entry.offset)) not in self._met:
                self._met.add(place)
                self._latency.add([(bucket_of(entry.latency_ns), 1)])

    def quantile_ms(self, q: float) -> float | None:
        """A quantile of the latency so far."""
        seconds = self._latency.quantile_seconds(q)
        return None if seconds is None else seconds * 1e3

    def pulse(self, now_ns: int, bins: int = PULSE_BINS) -> dict[int, list[int]]:
        """By partition, the counts of the last whole half seconds, oldest first."""
        end = now_ns // BIN_NS
        return {
            partition: [self._bins[partition, at] for at in range(end - bins, end)]
            for partition in sorted({partition for partition, _ in self._bins})
        }

    def rate(self, now_ns: int) -> float:
        """Tickets a second over the last whole second."""
        return float(sum(sum(counts[-2:]) for counts in self.pulse(now_ns, 2).values()))
