"""One status as families of metrics. Pure, but for the versions that it names."""

import platform
from collections.abc import Iterable, Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

from ticketpool import __version__
from ticketpool.core.condition import STATES
from ticketpool.core.status import PartitionStatus, ServiceStatus, Spread, WorkerStatus
from ticketpool.metrics import tables
from ticketpool.metrics.tables import Row

_GROUP = ("group",)
_PARTITION = ("group", "topic", "partition")
_WORKER = ("group", "worker")
# Told from the first scrape on, for rate() does not see a series' first step.
_REBALANCES = ("assigned", "revoked", "lost")
_REASONS = ("crashed", "killed", "hung", "memory", "retired", "start")


def build() -> Metric:
    """The versions of this process."""
    value = {"version": __version__, "python": platform.python_version()}
    return InfoMetricFamily("ticketpool_build", "Versions of this process.", value)


def families(status: ServiceStatus, now: float) -> Iterator[Metric]:
    """All that a status tells. ``now``: of the clock of ``made_at``."""
    yield from _partitions(status)
    yield from _workers(status)
    yield from _service(status, now)


def _partitions(status: ServiceStatus) -> Iterator[Metric]:
    rows = [([status.group, p.topic, str(p.partition)], p) for p in status.partitions]
    yield from _all(CounterMetricFamily, tables.PARTITION_COUNTERS, _PARTITION, rows)
    yield from _all(GaugeMetricFamily, tables.PARTITION_GAUGES, _PARTITION, rows)
    yield _states(rows)
    yield _histogram(
        "handler_duration_seconds",
        "Seconds from a record's decoding to its outcome, retries included.",
        [
            (labels, Spread(seconds=p.handler_seconds, buckets=p.handler_buckets))
            for labels, p in rows
        ],
    )
    yield _histogram(
        "queue_wait_seconds",
        "Seconds from reading a record to the start of the handler; one sample per ack.",
        [(labels, p.queue_wait) for labels, p in rows],
    )
    yield _histogram(
        "end_to_end_seconds",
        "Seconds from a record's timestamp to its settlement; one sample per ack.",
        [(labels, p.end_to_end) for labels, p in rows],
    )


def _states(rows: list[tuple[list[str], PartitionStatus]]) -> Metric:
    family = GaugeMetricFamily(
        "ticketpool_partition_state",
        "1 for the state that the partition is in, 0 for the others.",
        labels=(*_PARTITION, "state"),
    )
    for labels, partition in rows:
        for state in STATES:
            family.add_metric([*labels, state], float(partition.state == state))
    return family


def _histogram(name: str, text: str, rows: Iterable[tuple[list[str], Spread]]) -> Metric:
    family = HistogramMetricFamily(f"ticketpool_{name}", text, labels=_PARTITION)
    for labels, spread in rows:
        family.add_metric(labels, _buckets(spread.buckets), spread.seconds)
    return family


def _buckets(buckets: list[tuple[float | None, int]]) -> list[tuple[str, float]]:
    """Prometheus' buckets: (bound, cumulative count) with ``+Inf``, the count of all, last."""
    finite = [(repr(le), float(n)) for le, n in buckets if le is not None]
    return [*finite, ("+Inf", float(buckets[-1][1] if buckets else 0))]


def _workers(status: ServiceStatus) -> Iterator[Metric]:
    rows = [([status.group, str(w.slot)], w) for w in status.workers]
    yield from _all(CounterMetricFamily, tables.WORKER_COUNTERS, _WORKER, rows)
    yield from _all(GaugeMetricFamily, tables.WORKER_GAUGES, _WORKER, rows)
    yield _ends(rows)


def _ends(rows: list[tuple[list[str], WorkerStatus]]) -> Metric:
    family = CounterMetricFamily(
        "ticketpool_worker_ends",
        "Processes of the slot that ended, by why.",
        labels=(*_WORKER, "reason"),
    )
    for labels, worker in rows:
        for reason, count in (dict.fromkeys(_REASONS, 0) | worker.restarts_by_reason).items():
            family.add_metric([*labels, reason], count)
    return family


def _service(status: ServiceStatus, now: float) -> Iterator[Metric]:
    rows = [([status.group], status)]
    yield from _all(CounterMetricFamily, tables.SERVICE_COUNTERS, _GROUP, rows)
    yield from _all(GaugeMetricFamily, tables.SERVICE_GAUGES, _GROUP, rows)
    yield _rebalances(status)
    loop_age: Row = (
        "loop_age_seconds",
        "Seconds since the supervisor's loop last told its status.",
        lambda one: max(0.0, now - one.made_at),
    )
    yield from _all(GaugeMetricFamily, [loop_age], _GROUP, rows)


def _rebalances(status: ServiceStatus) -> Metric:
    family = CounterMetricFamily(
        "ticketpool_rebalances",
        "Times that partitions came (assigned) or went (revoked, lost).",
        labels=("group", "type"),
    )
    for kind, count in (dict.fromkeys(_REBALANCES, 0) | status.rebalances).items():
        family.add_metric([status.group, kind], count)
    return family


def _all(
    kind: type[CounterMetricFamily | GaugeMetricFamily],
    table: Iterable[Row],
    names: tuple[str, ...],
    rows: Iterable[tuple[list[str], object]],
) -> Iterator[Metric]:
    """A family for each row of the table, with a series for each item that has the figure."""
    items = list(rows)
    for name, text, read in table:
        family = kind(f"ticketpool_{name}", text, labels=names)
        for labels, item in items:
            value = read(item)
            if value is not None:
                family.add_metric(labels, float(value))
        yield family
