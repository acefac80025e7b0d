"""Every metric that is one figure of a status: its name, its help, and where it stands.

Names lack the prefix ``ticketpool_`` and, of counters, the suffix ``_total``. People build
dashboards on them: none is ever renamed.
"""

from collections.abc import Callable
from operator import attrgetter

Row = tuple[str, str, Callable[..., float | None]]
"""A metric's name, its help, and how to read it (``None``: no series)."""

_UP = ("ready", "draining")


def _seconds(path: str) -> Callable[..., float | None]:
    """Reads milliseconds, tells seconds."""
    read = attrgetter(path)

    def convert(item: object) -> float | None:
        millis: float | None = read(item)
        return None if millis is None else millis / 1e3

    return convert


PARTITION_COUNTERS: tuple[Row, ...] = (
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
PARTITION_GAUGES: tuple[Row, ...] = (
    ("lag_records", "High watermark minus position, in records.", attrgetter("lag")),
    (
        "time_lag_seconds",
        "Age of the oldest record that is not settled; 0 without one.",
        attrgetter("time_lag_seconds"),
    ),
    (
        "commit_lag_records",
        "Position minus committed offset: settled, and delivered again after a crash.",
        attrgetter("commit_lag"),
    ),
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
    (
        "waiting_letters",
        "Dead letters and outputs that no broker has acknowledged.",
        attrgetter("waiting_letters"),
    ),
    (
        "parked_keys",
        "Keys whose tickets follow a dead letter (--park-keys).",
        attrgetter("parked_keys"),
    ),
    ("paused", "1 while fetching is paused for back-pressure, else 0.", attrgetter("paused")),
    ("held", "1 while a person has it paused (ticketpool pause), else 0.", attrgetter("held")),
)
WORKER_COUNTERS: tuple[Row, ...] = (
    ("worker_restarts", "Processes started in place of dead ones.", attrgetter("restarts")),
    (
        "worker_cpu_seconds",
        "CPU time of all processes of the slot.",
        attrgetter("cpu_seconds_total"),
    ),
)
WORKER_GAUGES: tuple[Row, ...] = (
    (
        "worker_up",
        "1 while the slot has a warm process, else 0.",
        lambda worker: worker.state in _UP,
    ),
    ("worker_partitions", "Partitions that the slot serves.", attrgetter("partitions")),
    ("worker_rss_bytes", "Resident memory of the slot's process.", attrgetter("rss_bytes")),
    ("worker_uptime_seconds", "Age of the slot's process.", attrgetter("uptime_seconds")),
)
SERVICE_COUNTERS: tuple[Row, ...] = (
    ("commits", "Offset commits that the broker took.", attrgetter("commits")),
    ("commit_failures", "Offset commits that the broker refused.", attrgetter("commit_failures")),
)
SERVICE_GAUGES: tuple[Row, ...] = (
    (
        "ready",
        "1 once an assignment has arrived and every worker is warm, else 0.",
        attrgetter("ready"),
    ),
    ("uptime_seconds", "Seconds since the service started.", attrgetter("uptime_seconds")),
    (
        "assigned_partitions",
        "Partitions that this supervisor has.",
        lambda status: len(status.partitions),
    ),
    ("problems", "Reasons for which /healthz fails.", lambda status: len(status.problems)),
    ("poll_age_seconds", "Seconds since Kafka was last polled.", attrgetter("poll_age_seconds")),
    ("cluster_reachable", "1 while some broker answers, else 0.", attrgetter("cluster.reachable")),
    (
        "cluster_rtt_seconds",
        "Average round trip to the slowest broker; fetches that wait for records are among them.",
        _seconds("cluster.rtt_ms"),
    ),
    (
        "cluster_throttle_seconds",
        "Average time by which a broker's quotas hold its answers back.",
        _seconds("cluster.throttle_ms"),
    ),
)
