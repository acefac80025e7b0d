"""Decisions by rule: how long to back off, when a record has killed enough workers."""

import msgspec


class Backoff(msgspec.Struct, frozen=True):
    """Exponential back-off with jitter.

    Attributes:
        base_seconds: before the second attempt; doubled for each further one.
        max_seconds: never longer than this.
    """

    base_seconds: float
    max_seconds: float

    def delay(self, failures: int, jitter: float) -> float:
        """Seconds to wait after so many failures (1 and up).

        ``jitter`` in [0, 1) takes up to half of the delay away, so that lanes
        that failed together do not come back together.
        """
        doublings = min(failures - 1, 63)  # 2.0**64 seconds is for ever; larger overflows
        full = min(self.base_seconds * 2.0**doublings, self.max_seconds)
        return full * (1 - jitter / 2)
