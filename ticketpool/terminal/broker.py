"""A group as the broker knows it, made into the status that a supervisor would tell.

What only a supervisor knows (the record at hand, latencies, workers) is left empty. The
broker knows whether a partition has a member and whether its commits move.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition
from ticketpool.core.status import Blame, LatencyMs, PartitionStatus, Sample, ServiceStatus
from ticketpool.errors import TicketpoolError
from ticketpool.kafka.standing import GroupWatch, Standing
from ticketpool.terminal.answers import BROKER, Answer
from ticketpool.terminal.words import plural

_SAMPLES = 150
_KNOWN_SECONDS = 15.0
"""How far back a look still counts: Java's clients commit each 5 s only."""

_SUPERVISORS_ONLY: dict[str, Any] = {
    "worker": None, "pid": None, "buffered": 0, "in_flight": 0, "paused": False,
    "in_flight_offset": None, "in_flight_age_seconds": None, "processed": 0, "retried": 0,
    "dead_lettered": 0, "skipped": 0, "redelivered": 0, "latency_ms": LatencyMs(),
    "handler_seconds": 0.0, "handler_buckets": [],
}  # fmt: skip
"""What no broker knows."""


class Moment:
    """A look and when it was taken, in seconds of any steady clock."""

    def __init__(self, standing: Standing, at: float) -> None:
        self.standing, self.at = standing, at


class BrokerSource:
    """*Command side.* A source of answers like a supervisor; blocks, one thread."""

    def __init__(
        self,
        look: Callable[[], Standing],
        group: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look, self._group, self._clock = look, group, clock
        self._moments: deque[Moment] = deque()
        self._samples: deque[Sample] = deque(maxlen=_SAMPLES)

    @classmethod
    def of(cls, kafka: KafkaConfig, group: str) -> "BrokerSource":
        """Of a real cluster. Raises ``ConfigError``: a property is wrong."""
        return cls(GroupWatch(kafka, group).look, group)

    def ask(self) -> Answer:
        """How the group stands, and moves since the looks before."""
        try:
            standing = self._look()
        except TicketpoolError as error:
            return Answer(source=BROKER, trouble=f"does not tell: {error}", reached=False)
        self._moments.append(Moment(standing, self._clock()))
        while self._moments[-1].at - self._moments[0].at > _KNOWN_SECONDS:
            self._moments.popleft()
        status = made(self._group, list(self._moments))
        self._sample(status)
        members = {(place.topic, place.number): who for place, who in standing.members.items()}
        status = msgspec.structs.replace(status, history=list(self._samples))
        return Answer(source=BROKER, status=status, members=members)

    def _sample(self, status: ServiceStatus) -> None:
        lags = [one.lag for one in status.partitions if one.lag is not None]
        rate = sum(one.rate_per_s for one in status.partitions)
        lag = sum(lags) if lags else None
        self._samples.append(
            Sample(at=time.time(), rate_per_s=rate, lag=lag, p50_ms=None, p99_ms=None)
        )


def made(group: str, moments: list[Moment]) -> ServiceStatus:
    """The status of a group from looks in order of time, at least one. Pure."""
    now = moments[-1]
    places = sorted(now.standing.members.keys() | now.standing.committed.keys())
    state, joined = now.standing.state or "members unknown", now.standing.joined
    return ServiceStatus(
        state=f"{state}, {plural(joined, 'member')}" if joined else state,
        ready=bool(now.standing.members),
        made_at=now.at,
        uptime_seconds=0.0,
        group=group,
        handler="",
        partitions=[_partition(place, group, moments) for place in places],
        workers=[],
        rebalances={},
        commits=0,
        commit_failures=0,
    )


def _partition(place: Partition, group: str, moments: list[Moment]) -> PartitionStatus:
    now = moments[-1].standing
    committed, extent = now.committed.get(place), now.extents.get(place)
    lag = lag_of(place, now)
    state, since = _judged(place, moments)
    return PartitionStatus(
        topic=place.topic,
        partition=place.number,
        committed=committed,
        position=committed,
        high_watermark=None if extent is None else extent.end,
        lag=lag,
        state=state,
        state_seconds=since,
        blame=_blame(place, group, state, since, moments),
        rate_per_s=_rate(place, moments),
        **_SUPERVISORS_ONLY,
    )


def lag_of(place: Partition, standing: Standing) -> int | None:
    """Records before the end that are not committed; without a commit, all that are there."""
    extent = standing.extents.get(place)
    if extent is None:
        return None
    return extent.end - extent.nearest(standing.committed.get(place, extent.start))


def _judged(place: Partition, moments: list[Moment]) -> tuple[str, float]:
    """State, and since when as far as was seen."""
    now = moments[-1]
    offsets = [one.standing.committed.get(place, -1) for one in moments]
    if not lag_of(place, now.standing):
        return "ok", 0.0
    stood = next(
        (now.at - after.at
         for before, after in zip(reversed(offsets[:-1]), reversed(moments[1:]), strict=True)
         if before != offsets[-1]),
        now.at - moments[0].at,
    )  # fmt: skip
    if offsets[-1] < max(offsets):
        return "rewind", stood
    if now.standing.state is not None and place not in now.standing.members:
        return "stop", stood
    if len(moments) > 1 and offsets[-1] == offsets[0]:
        return "stall", stood
    return "ok", 0.0


def _rate(place: Partition, moments: list[Moment]) -> float:
    first, last = moments[0], moments[-1]
    before, after = (one.standing.committed.get(place) for one in (first, last))
    if before is None or after is None or last.at <= first.at:
        return 0.0
    return max(after - before, 0) / (last.at - first.at)


def _blame(
    place: Partition, group: str, state: str, since: float, moments: list[Moment]
) -> Blame | None:
    now = moments[-1].standing
    offset = now.committed.get(place)
    match state:
        case "stop":
            reason = "no member of the group holds it"
            remedy = f"start a supervisor: ticketpool run --group {group} --topic {place.topic}"
        case "stall":
            reason = f"{now.members.get(place) or 'its member'} commits nothing new"
            remedy = "ask its supervisor: ticketpool status --http HOST:PORT"
        case "rewind":
            reason, remedy = "the group's offset went back", "records are handled again from here"
        case _:
            return None
    return Blame(
        kind="worker" if state == "stop" else "commit",
        offset=offset,
        since_seconds=since,
        reason=reason,
        remedy=remedy,
    )
