"""What tests of metrics, alerts and the dashboard share."""

import re
import shutil

from tests import statuses
from tests.support import missing
from ticketpool.core.status import Cluster, ServiceStatus, Spread
from ticketpool.metrics import Metrics

SPREAD = Spread(p50_ms=1.0, p99_ms=9.0, seconds=1.5, buckets=[(0.1, 4), (1.0, 9), (None, 9)])

_NAME = re.compile(r"\b(?:ticketpool|process)_[a-z_]+")


def promtool() -> str:
    """Its path; without it the test is skipped loudly, and fails in CI."""
    return shutil.which("promtool") or missing("promtool", "install Debian's package prometheus")


def everything() -> ServiceStatus:
    """A status in which no figure is unknown."""
    partition = statuses.partition(
        time_lag_seconds=12.5,
        commit_lag=10,
        held=True,
        waiting_letters=3,
        parked_keys=2,
        queue_wait=SPREAD,
        end_to_end=SPREAD,
    )
    worker = statuses.worker(
        restarts_by_reason={"hung": 2},
        rss_bytes=32_000_000,
        cpu_seconds=1.5,
        cpu_seconds_total=21.5,
        uptime_seconds=60.0,
    )
    return statuses.service(
        partition,
        workers=[worker],
        problems=["tickets[0] makes no progress"],
        poll_age_seconds=0.25,
        cluster=Cluster(rtt_ms=12.5, throttle_ms=500.0),
    )


def rendered() -> set[str]:
    """The names of all series that a scrape may have."""
    lines = Metrics(everything).render()[0].decode().splitlines()
    return {re.split(r"[ {]", line)[0] for line in lines if not line.startswith("#")}


def named(query: str) -> set[str]:
    """The metrics that a query, or a text with several, names."""
    return set(_NAME.findall(query))
