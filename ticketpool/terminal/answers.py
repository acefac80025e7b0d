"""What was told, by whom, and what all of it amounts to. Pure."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from ticketpool.core.model import Partition
from ticketpool.core.status import PartitionStatus, Sample, ServiceStatus

BROKER = "broker"
"""The source's name when no supervisor was asked."""
_SAMPLE_SECONDS = 2


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What one source told, or why it told nothing.

    Attributes:
        source: the supervisor's ``HOST:PORT``, or ``BROKER``.
        status: what it told; beside ``trouble``, what it had told before. ``None``: nothing yet.
        trouble: why it tells nothing now, one sentence.
        reached: it answers; without a status, it is still starting.
        healthy: as its ``/healthz``.
        age_seconds: of the status, when it was told.
        lost_seconds: for how long there has been trouble.
        members: who holds a partition, as far as the broker knows.
        cpu: share of a core by pid of a worker, between its last two answers.
    """

    source: str
    status: ServiceStatus | None = None
    trouble: str | None = None
    reached: bool = True
    healthy: bool = True
    age_seconds: float = 0.0
    lost_seconds: float = 0.0
    members: dict[tuple[str, int], str] = {}
    cpu: dict[int, float] = {}


class Row(NamedTuple):
    """A partition as one source tells of it; ``known``: it still does."""

    group: str
    source: str
    partition: PartitionStatus
    member: str = ""
    known: bool = True

    @property
    def place(self) -> Partition:
        return Partition(self.partition.topic, self.partition.partition)

    @property
    def state(self) -> str:
        """The partition's state; ``paused`` when a person has paused it, ``unknown`` when
        nobody tells any more."""
        if not self.known:
            return "unknown"
        return "paused" if self.partition.held else self.partition.state

    @property
    def ill(self) -> bool:
        """Somebody has to look at it: not for a pause that keeps nothing waiting, and not when
        nobody tells any more, for which its source is to blame."""
        return self.known and self.partition.state != "ok"


class View(msgspec.Struct, frozen=True):
    """All answers, as one."""

    answers: tuple[Answer, ...]

    @property
    def told(self) -> list[tuple[Answer, ServiceStatus]]:
        """The answers that have a status, old ones too."""
        return [(one, one.status) for one in self.answers if one.status is not None]

    @property
    def groups(self) -> list[str]:
        return sorted({status.group for _, status in self.told})

    @property
    def by_broker(self) -> bool:
        """Nobody but the broker was asked."""
        return all(one.source == BROKER for one in self.answers)

    def of(self, group: str) -> "View":
        """The answers of one group."""
        return View(tuple(answer for answer, status in self.told if status.group == group))

    def rows(self) -> list[Row]:
        """Every partition, by group, topic and number."""
        found = (row for answer, status in self.told for row in _rows(answer, status))
        return sorted(found, key=lambda row: (row.group, row.place, row.source))


def _rows(answer: Answer, status: ServiceStatus) -> Iterable[Row]:
    known = answer.trouble is None
    for one in status.partitions:
        member = answer.members.get((one.topic, one.partition), "")
        yield Row(status.group, answer.source, one, member, known)


class Totals(NamedTuple):
    """Over all partitions that are told of; ``None`` where none is known.

    ``behind_seconds``: of the oldest unsettled record; ``p99_ms``: of the slowest partition.
    """

    lag: int | None
    behind_seconds: float | None
    rate_per_s: float
    p99_ms: float | None
    retried: int
    dead_lettered: int


def totals(rows: Iterable[Row]) -> Totals:
    """What the rows amount to."""
    known = [row.partition for row in rows if row.known]
    lags = [one.lag for one in known if one.lag is not None]
    return Totals(
        lag=sum(lags) if lags else None,
        behind_seconds=max(
            (one.time_lag_seconds for one in known if one.time_lag_seconds is not None),
            default=None,
        ),
        rate_per_s=sum(one.rate_per_s for one in known),
        p99_ms=max(
            (one.latency_ms.p99 for one in known if one.latency_ms.p99 is not None), default=None
        ),
        retried=sum(one.retried for one in known),
        dead_lettered=sum(one.dead_lettered for one in known),
    )


def history(view: View) -> list[Sample]:
    """The histories of all, added up moment by moment, the newest at the end."""
    moments: dict[int, list[Sample]] = {}
    for answer, status in view.told:
        if answer.trouble is None:
            for sample in status.history:
                moments.setdefault(int(sample.at / _SAMPLE_SECONDS), []).append(sample)
    return [_sum(moments[at]) for at in sorted(moments)]


def _sum(samples: Sequence[Sample]) -> Sample:
    lags = [one.lag for one in samples if one.lag is not None]
    return Sample(
        at=samples[0].at,
        rate_per_s=sum(one.rate_per_s for one in samples),
        lag=sum(lags) if lags else None,
        p50_ms=max((one.p50_ms for one in samples if one.p50_ms is not None), default=None),
        p99_ms=max((one.p99_ms for one in samples if one.p99_ms is not None), default=None),
    )


def labels(sources: Sequence[str]) -> dict[str, str]:
    """The sources by a short name that still tells them apart.

    >>> labels(["127.0.0.1:9464", "127.0.0.1:9465"])
    {'127.0.0.1:9464': ':9464', '127.0.0.1:9465': ':9465'}
    """
    hosts = {source.rpartition(":")[0] for source in sources}
    ports = {source.rpartition(":")[2] for source in sources}
    if len(hosts) == 1:
        return {source: ":" + source.rpartition(":")[2] for source in sources}
    if len(ports) == 1:
        return {source: source.rpartition(":")[0] for source in sources}
    return {source: source for source in sources}
