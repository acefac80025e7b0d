"""The last five minutes of the whole service, a sample each two seconds."""

import time
from collections import deque
from collections.abc import Callable

from ticketpool.core.latency import Histogram
from ticketpool.core.status import Sample
from ticketpool.supervisor.totals import Totals

EVERY_SECONDS = 2.0
MOST = 150


class History:
    """*Supervisor side.* Samples what ``Totals`` has counted.

    Args:
        wall: seconds since 1970.
    """

    def __init__(self, totals: Totals, wall: Callable[[], float] = time.time) -> None:
        self._totals = totals
        self._wall = wall
        self._samples: deque[Sample] = deque(maxlen=MOST)
        self._at: float | None = None
        self._settled = 0
        self._counts: dict[int, int] = {}

    def tend(self, now: float, lag: int | None) -> list[Sample]:
        """All samples, the newest last; one more if it is time.

        Args:
            now: seconds of a clock that only rises.
            lag: over all partitions.
        """
        if self._at is None:
            self._begin(now)
        elif now - self._at >= EVERY_SECONDS:
            self._samples.append(self._sample(now - self._at, lag))
            self._begin(now)
        return list(self._samples)

    def _begin(self, now: float) -> None:
        self._at, self._settled = now, self._totals.settled

    def _sample(self, seconds: float, lag: int | None) -> Sample:
        calls = self._calls()
        return Sample(
            at=round(self._wall(), 3),
            rate_per_s=round((self._totals.settled - self._settled) / seconds, 2),
            lag=lag,
            p50_ms=_millis(calls.quantile_seconds(0.5)),
            p99_ms=_millis(calls.quantile_seconds(0.99)),
        )

    def _calls(self) -> Histogram:
        """The handler's calls since the last sample, over all partitions."""
        before, self._counts = self._counts, {}
        for timing in self._totals.durations():
            for bucket, count in timing.counts.items():
                self._counts[bucket] = self._counts.get(bucket, 0) + count
        calls = Histogram()
        risen = ((b, count - before.get(b, 0)) for b, count in self._counts.items())
        calls.add((bucket, count) for bucket, count in risen if count)
        return calls


def _millis(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1e3, 3)
