"""Writes ticketpool.json, the dashboard, from the table below: `python deploy/grafana/make.py`."""

import json
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).with_name("ticketpool.json")

SELECTED = '{group=~"$group",topic=~"$topic"}'
GROUP = '{group=~"$group"}'
PARTITION = "{{topic}}[{{partition}}]"
WORKER = "{{instance}} worker {{worker}}"
INSTANCE = "{{instance}}"


class Panel(NamedTuple):
    """A graph. ``queries``: PromQL and how its lines are called."""

    title: str
    help: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    kind: str = "timeseries"


def rate(metric: str, by: str, selector: str = SELECTED) -> str:
    return f"sum by ({by}) (rate(ticketpool_{metric}{selector}[$__rate_interval]))"


def quantile(q: float, metric: str, by: str = "topic") -> str:
    return f"histogram_quantile({q}, {rate(f'{metric}_seconds_bucket', f'{by}, le')})"


def worst(metric: str, by: str, selector: str = SELECTED) -> str:
    return f"max by ({by}) (ticketpool_{metric}{selector})"


def quantiles(title: str, text: str, metric: str) -> Panel:
    lines = ((quantile(0.5, metric), "{{topic}} p50"), (quantile(0.99, metric), "{{topic}} p99"))
    return Panel(title, text, "s", lines)


FAILED = " + ".join(rate(f"records_{how}_total", "topic") for how in ("dead_lettered", "skipped"))
PROCESSED = rate("records_processed_total", "topic")
PLACE = "group, topic, partition"

ROWS: dict[str, tuple[Panel, ...]] = {
    "Are tickets done in time?": (
        Panel("Time lag", "Age of the oldest ticket that is not done.", "s",
              ((worst("time_lag_seconds", "topic"), "{{topic}}"),)),
        quantiles("End to end", "From a ticket's timestamp to its settlement.", "end_to_end"),
        Panel("Failed for good", "Share of tickets that became dead letters or were skipped.",
              "percentunit", ((f"({FAILED}) / ({PROCESSED} + {FAILED})", "{{topic}}"),)),
    ),
    "Partitions": (
        Panel("States", "Partitions that do not get on: see the alert TicketpoolPartitionStuck.",
              "short", (("sum by (state) (ticketpool_partition_state"
                         '{group=~"$group",topic=~"$topic",state!="ok"})', "{{state}}"),)),
        Panel("Throughput", "Tickets done a second.", "cps",
              ((rate("records_processed_total", PLACE), PARTITION),)),
        Panel("Lag", "Tickets that are not done.", "short",
              ((worst("lag_records", PLACE), PARTITION),)),
        Panel("Lag at a glance", "The same as a heat map: one stuck partition is one bright line.",
              "short", ((worst("lag_records", PLACE), PARTITION),), "status-history"),
    ),
    "Workers": (
        Panel("Busy", "Share of time that a partition's handler runs; at 1 it is the limit.",
              "percentunit", ((rate("handler_duration_seconds_sum", PLACE), PARTITION),)),
        quantiles("Queue wait", "From reading a ticket to its handler's start.", "queue_wait"),
        quantiles("Handler", "From decoding to the outcome, retries included.",
                  "handler_duration"),
        Panel("Ends", "Processes that ended, by why.", "short",
              (("sum by (reason) (increase(ticketpool_worker_ends_total"
                f"{GROUP}[$__rate_interval]))", "{{reason}}"),)),
    ),
    "Assignment": (
        Panel("Assigned partitions", "Of each supervisor.", "short",
              ((worst("assigned_partitions", "instance", GROUP), INSTANCE),)),
        Panel("Rebalances", "Partitions came (assigned) or went.", "short",
              (("sum by (instance, type) (increase(ticketpool_rebalances_total"
                f"{GROUP}[$__rate_interval]))", "{{instance}} {{type}}"),)),
        Panel("Workers up", "Warm processes of each supervisor.", "short",
              ((f"sum by (instance) (ticketpool_worker_up{GROUP})", INSTANCE),)),
    ),
    "Commits": (
        Panel("Commits", "Offsets a second that the broker took, and refused.", "cps",
              ((rate("commits_total", "instance", GROUP), "{{instance}} taken"),
               (rate("commit_failures_total", "instance", GROUP), "{{instance}} refused"))),
        Panel("Commit lag", "Done and not committed: these would come again after a crash.",
              "short", ((worst("commit_lag_records", PLACE), PARTITION),)),
    ),
    "Failures": (
        Panel("Dead letters", "A second.", "cps",
              ((rate("records_dead_lettered_total", "topic"), "{{topic}}"),)),
        Panel("Retries", "Calls beyond a ticket's first, and tickets sent again after a crash.",
              "cps", ((rate("records_retried_total", "topic"), "{{topic}} retried"),
                      (rate("records_redelivered_total", "topic"), "{{topic}} redelivered"))),
        Panel("Waiting", "Dead letters and outputs without acknowledgement; parked keys.", "short",
              ((worst("waiting_letters", PLACE), PARTITION),
               (worst("parked_keys", PLACE), f"{PARTITION} keys"))),
    ),
    "Processes": (
        Panel("Memory", "Resident.", "bytes",
              ((worst("worker_rss_bytes", "instance, worker", GROUP), WORKER),
               ('process_resident_memory_bytes{job="ticketpool"}', INSTANCE))),
        Panel("CPU", "Cores.", "short",
              ((rate("worker_cpu_seconds_total", "instance, worker", GROUP), WORKER),
               ('rate(process_cpu_seconds_total{job="ticketpool"}[$__rate_interval])', INSTANCE))),
        Panel("Open files", "Of the supervisor.", "short",
              (('process_open_fds{job="ticketpool"}', INSTANCE),)),
    ),
    "Brokers": (
        Panel("Reachable", "1 while some broker answers.", "short",
              ((f"min by (instance) (ticketpool_cluster_reachable{GROUP})", INSTANCE),)),
        Panel("Times", "Round trip to the slowest broker, and its throttling.", "s",
              ((worst("cluster_rtt_seconds", "instance", GROUP), "{{instance}} round trip"),
               (worst("cluster_throttle_seconds", "instance", GROUP), "{{instance}} throttled"))),
        Panel("Last poll", "Seconds since Kafka was polled, and since the loop told its status.",
              "s", ((worst("poll_age_seconds", "instance", GROUP), "{{instance}} poll"),
                    (worst("loop_age_seconds", "instance", GROUP), "{{instance}} loop"))),
    ),
}  # fmt: skip

SOURCE = {"type": "prometheus", "uid": "${source}"}


def panel(what: Panel, number: int, x: int, y: int, width: int) -> dict[str, Any]:
    """One panel as Grafana has it."""
    targets = [
        {"refId": chr(ord("A") + i), "datasource": SOURCE, "expr": expr, "legendFormat": legend}
        for i, (expr, legend) in enumerate(what.queries)
    ]
    look: dict[str, Any] = {"fieldConfig": {"defaults": {"unit": what.unit}, "overrides": []}}
    if what.kind == "status-history":
        look["fieldConfig"]["defaults"]["color"] = {"mode": "continuous-GrYlRd"}
        look["options"] = {"showValue": "never", "legend": {"showLegend": False}}
        look["maxDataPoints"] = 100
    else:
        look["fieldConfig"]["defaults"]["min"] = 0
    return {
        "id": number,
        "type": what.kind,
        "title": what.title,
        "description": what.help,
        "datasource": SOURCE,
        "gridPos": {"x": x, "y": y, "w": width, "h": 8},
        "targets": targets,
        **look,
    }


def row(title: str, number: int, y: int) -> dict[str, Any]:
    """The heading of a row."""
    place = {"x": 0, "y": y, "w": 24, "h": 1}
    return {"id": number, "type": "row", "title": title, "gridPos": place, "panels": []}


def variable(name: str, query: str) -> dict[str, Any]:
    """A choice at the top: of the values that a label has."""
    return {
        "name": name,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "current": {"text": "All", "value": "$__all"},
    }


def dashboard() -> dict[str, Any]:
    """All of it."""
    panels: list[dict[str, Any]] = []
    for at, (title, graphs) in enumerate(ROWS.items()):
        panels.append(row(title, len(panels) + 1, at * 9))
        width = 24 // len(graphs)
        for i, graph in enumerate(graphs):
            panels.append(panel(graph, len(panels) + 1, i * width, at * 9 + 1, width))
    source = {"name": "source", "type": "datasource", "query": "prometheus"}
    return {
        "uid": "ticketpool",
        "title": "ticketpool",
        "schemaVersion": 39,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {
            "list": [
                source,
                variable("group", "label_values(ticketpool_ready, group)"),
                variable("topic", 'label_values(ticketpool_lag_records{group=~"$group"}, topic)'),
            ]
        },
        "panels": panels,
    }


def text() -> str:
    """The file's contents."""
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
