"""Prometheus metrics, made from the newest status when somebody asks for them.

*Supervisor side.* Nothing is counted here: the figures ride on the workers'
acknowledgements into ``ServiceStatus``, and each scrape turns one such snapshot
into text. So the record path pays nothing, the series of a revoked partition
vanish with it, and no figure can disagree with ``/api/status``.

A partition's counters run over the life of the process (``PartitionStatus``), so
they go on, not back, when the partition returns. There is no sum over partitions:
it would fall when one leaves. Sum in the query instead.
"""

import time
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from ticketpool.core.status import ServiceStatus
from ticketpool.metrics.families import build, families

Source = Callable[[], ServiceStatus | None]


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
        yield build()
        status = self._status()
        if status is not None:
            yield from families(status, self._clock())
