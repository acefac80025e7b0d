"""What has been done since start, over all partitions that came and went."""

import time
from collections.abc import Iterable, Iterator

import msgspec

from ticketpool.core.lane import Counts, Lane
from ticketpool.core.model import Partition
from ticketpool.core.timing import Timing


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of ``ticketpool run``. ``seconds``: first record read to last one settled."""

    ok: bool
    processed: int
    dead_lettered: int
    skipped: int
    retried: int
    redelivered: int
    worker_restarts: int
    partitions: int
    seconds: float


class Totals:
    """Counts per lane and over all; monotonic times of the first record and the last outcome."""

    def __init__(self) -> None:
        self._all = {"processed": 0, "dead_lettered": 0, "skipped": 0, "retried": 0}
        self._by_partition: dict[Partition, Counts] = {}
        self._partitions = 0
        self._first: float | None = None
        self._last: float | None = None

    def read(self) -> None:
        """Records have been read."""
        if self._first is None:
            self._first = time.monotonic()

    def assigned(self, lane: Lane, partitions: int) -> None:
        """A lane was opened, so many are held now. Its partition's counts go on from where
        they were, so that no counter ever goes back."""
        lane.counts = self._by_partition.setdefault(lane.partition, lane.counts)
        self._partitions = max(self._partitions, partitions)

    def finished(
        self, lane: Lane, processed: int, buckets: Iterable[tuple[int, int]], busy_ns: int
    ) -> None:
        """Records of a lane that the handler is done with."""
        lane.counts.processed += processed
        lane.counts.durations.add(buckets, busy_ns)
        self._all["processed"] += processed
        self._last = time.monotonic()

    def retried(self, lane: Lane) -> None:
        """A call beyond a record's first is due."""
        lane.counts.retried += 1
        self._all["retried"] += 1

    def dead_lettered(self, lane: Lane) -> None:
        """A dead letter has been acknowledged."""
        lane.counts.dead_lettered += 1
        self._all["dead_lettered"] += 1
        self._last = time.monotonic()

    def skipped(self, lane: Lane) -> None:
        """A record that failed for good was passed over, as told."""
        lane.counts.skipped += 1
        self._all["skipped"] += 1
        self._last = time.monotonic()

    @property
    def settled(self) -> int:
        """Records that are settled, one way or the other."""
        return self._all["processed"] + self._all["dead_lettered"] + self._all["skipped"]

    def durations(self) -> Iterator[Timing]:
        """How long handlers took, of each partition that ever was ours."""
        return (counts.durations for counts in self._by_partition.values())

    def summary(self, ok: bool, worker_restarts: int) -> Summary:
        """The outcome so far."""
        seconds = 0.0
        if self._first is not None and self._last is not None:
            seconds = max(self._last - self._first, 0.0)
        return Summary(
            ok=ok,
            redelivered=sum(counts.redelivered for counts in self._by_partition.values()),
            worker_restarts=worker_restarts,
            partitions=self._partitions,
            seconds=round(seconds, 3),
            **self._all,
        )
