"""Prometheus metrics, made from the newest status when somebody asks for them.

*Supervisor side.* Nothing is counted here: the figures ride on the workers'
acknowledgements into ``ServiceStatus``, and each scrape turns one such snapshot
into text. So the record path pays nothing, the series of a revoked partition
vanish with it, and no figure can disagree with ``/api/status``.

A partition's counters run over the life of the process (``PartitionStatus``), so
they go on, not back, when the partition returns. There is no sum over partitions:
it would fall when one leaves. Sum in the query instead.
"""

import platform
import time
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from ticketpool import __version__
from ticketpool.core.status import PartitionStatus, ServiceStatus, WorkerStatus

Source = Callable[[], ServiceStatus | None]

_PARTITION = ("group", "topic", "partition")
_WORKER = ("group", "worker")
_UP = ("ready", "draining")
_REBALANCES = ("assigned", "revoked", "lost")

Row = tuple[str, str, Callable[..., float | None]]
"""A metric's name without prefix, its help, and how to read it (``None``: no series)."""

_PARTITION_COUNTERS: tuple[Row, ...] = (
    ("records_processed", "Records settled by the handler.", attrgetter("processed")),
    ("records_retried", "Handler calls beyond a record's first.", attrgetter("retried")),
    (
        "records_dead_lettered",
        "Records that failed for good and were written to the dead-letter topic.",
        attrgetter("dead_lettered"),
    ),
    ("records_skipped", "Records that failed for good and were skipped.", attrgetter("skipped")),
    (
        "records_redelivered",
        "Records sent to a worker again after a crash.",
        attrgetter("redelivered"),
    ),
)
_PARTITION_GAUGES: tuple[Row, ...] = (
    ("lag_records", "High watermark minus position, in records.", attrgetter("lag")),
    (
        "committed_offset",
        "Next offset to read, as the group has committed it.",
        attrgetter("committed"),
    ),
    ("position_offset", "Next offset to settle: all before it are.", attrgetter("position")),
    ("high_watermark_offset", "The broker's high watermark.", attrgetter("high_watermark")),
    ("buffered_records", "Records read and not yet sent to a worker.", attrgetter("buffered")),
    ("in_flight_records", "Records sent to a worker and not yet settled.", attrgetter("in_flight")),
    (
        "in_flight_age_seconds",
        "Seconds for which the handler has been running the record at hand.",
        attrgetter("in_flight_age_seconds"),
    ),
    ("paused", "1 while fetching is paused for back-pressure, else 0.", attrgetter("paused")),
)
_WORKER_GAUGES: tuple[Row, ...] = (
    (
        "worker_up",
        "1 while the slot has a warm process, else 0.",
        lambda worker: worker.state in _UP,
    ),
    ("worker_partitions", "Partitions that the slot serves.", attrgetter("partitions")),
)
_SERVICE_COUNTERS: tuple[Row, ...] = (
    ("commits", "Offset commits that the broker took.", attrgetter("commits")),
    ("commit_failures", "Offset commits that the broker refused.", attrgetter("commit_failures")),
)
_SERVICE_GAUGES: tuple[Row, ...] = (
    (
        "ready",
        "1 once an assignment has arrived and every worker is warm, else 0.",
        attrgetter("ready"),
    ),
    ("uptime_seconds", "Seconds since the service started.", attrgetter("uptime_seconds")),
)


class Metrics:
    """A registry of our own over a source of statuses; nothing global is touched.

    Args:
        status: gives the newest snapshot, or ``None`` before the first. Called once
            per scrape, on the thread that scrapes.
        clock: the clock that stamps ``ServiceStatus.made_at``, in seconds.
    """

    def __init__(self, status: Source, clock: Callable[[], float] = time.monotonic) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_StatusCollector(status, clock))
        ProcessCollector(registry=self._registry)  # memory, CPU and files of this process

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """The metrics and their content type, in the format that an Accept header asks for.

        OpenMetrics 1.0.0 where it is named, else Prometheus text 0.0.4.
        prometheus-client's own choice raises ``TypeError`` on ``version=abc``.
        """
        if "application/openmetrics-text" in accept.lower():
            body: bytes = openmetrics.generate_latest(self._registry)  # type: ignore[no-untyped-call]
            return body, openmetrics.CONTENT_TYPE_LATEST
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4


class _StatusCollector(Collector):
    def __init__(self, status: Source, clock: Callable[[], float]) -> None:
        self._status = status
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """All families of one snapshot; only the build's before the first one."""
        yield _build()
        status = self._status()
        if status is None:
            return
        yield from _partitions(status)
        yield from _workers(status)
        yield from _service(status)
        yield _loop_age(status, self._clock())


def _build() -> Metric:
    value = {"version": __version__, "python": platform.python_version()}
    return InfoMetricFamily("ticketpool_build", "Versions of this process.", value)


def _partitions(status: ServiceStatus) -> Iterator[Metric]:
    rows = [(_labels(status, p), p) for p in status.partitions]
    for row in _PARTITION_COUNTERS:
        yield _counter(row, _PARTITION, rows)
    for row in _PARTITION_GAUGES:
        yield _gauge(row, _PARTITION, rows)
    yield _durations(rows)


def _labels(status: ServiceStatus, partition: PartitionStatus) -> list[str]:
    return [status.group, partition.topic, str(partition.partition)]


def _durations(rows: list[tuple[list[str], PartitionStatus]]) -> Metric:
    family = HistogramMetricFamily(
        "ticketpool_handler_duration_seconds",
        "Seconds from a record's decoding to its outcome, retries included.",
        labels=_PARTITION,
    )
    for labels, partition in rows:
        family.add_metric(labels, buckets_of(partition), partition.handler_seconds)
    return family


def buckets_of(partition: PartitionStatus) -> list[tuple[str, float]]:
    """Prometheus' buckets: (bound, cumulative count) with ``+Inf``, the count of all, last."""
    finite = [(repr(le), float(n)) for le, n in partition.handler_buckets if le is not None]
    count = partition.handler_buckets[-1][1] if partition.handler_buckets else 0
    return [*finite, ("+Inf", float(count))]


def _workers(status: ServiceStatus) -> Iterator[Metric]:
    rows: list[tuple[list[str], WorkerStatus]]
    rows = [([status.group, str(w.slot)], w) for w in status.workers]
    for row in _WORKER_GAUGES:
        yield _gauge(row, _WORKER, rows)
    restarts = ("worker_restarts", "Processes started in place of dead ones.")
    yield _counter((*restarts, attrgetter("restarts")), _WORKER, rows)


def _service(status: ServiceStatus) -> Iterator[Metric]:
    rows = [([status.group], status)]
    for row in _SERVICE_COUNTERS:
        yield _counter(row, ("group",), rows)
    for row in _SERVICE_GAUGES:
        yield _gauge(row, ("group",), rows)
    rebalances = CounterMetricFamily(
        "ticketpool_rebalances",
        "Times that partitions came (assigned) or went (revoked, lost).",
        labels=("group", "type"),
    )
    # From the first scrape on, for rate() does not see a series' first step.
    for kind, count in (dict.fromkeys(_REBALANCES, 0) | status.rebalances).items():
        rebalances.add_metric([status.group, kind], count)
    yield rebalances


def _loop_age(status: ServiceStatus, now: float) -> Metric:
    age = ("loop_age_seconds", "Seconds since the supervisor's loop last told its status.")
    row: Row = (*age, lambda s: max(0.0, now - s.made_at))
    return _gauge(row, ("group",), [([status.group], status)])


def _counter(row: Row, names: tuple[str, ...], rows: Iterable[tuple[list[str], object]]) -> Metric:
    name, text, read = row
    family = CounterMetricFamily(f"ticketpool_{name}", text, labels=names)
    for labels, item in rows:
        family.add_metric(labels, float(read(item) or 0))
    return family


def _gauge(row: Row, names: tuple[str, ...], rows: Iterable[tuple[list[str], object]]) -> Metric:
    name, text, read = row
    family = GaugeMetricFamily(f"ticketpool_{name}", text, labels=names)
    for labels, item in rows:
        value = read(item)
        if value is not None:
            family.add_metric(labels, float(value))
    return family
