"""Metrics tell exactly what the status tells, in text that Prometheus reads.

In doubt because series come and go with partitions: a gone one must not linger,
an unknown figure must not read 0, and a returning counter must not fall.
"""

import math
import subprocess
from collections.abc import Iterator

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse_text

from tests.prometheus import everything, promtool
from tests.statuses import partition, service, worker
from ticketpool import __version__
from ticketpool.core.status import Cluster, ServiceStatus, Spread
from ticketpool.metrics import Metrics

OPEN = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5"
GROUP = {"group": "ticket-processor-group"}
FIRST = GROUP | {"topic": "tickets", "partition": "0"}


def samples(status: ServiceStatus | None, now: float = 0.0) -> Iterator[tuple[str, dict, float]]:  # type: ignore[type-arg]
    text = Metrics(lambda: status, clock=lambda: now).render()[0].decode()
    for family in parse_text(text):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


def value(
    status: ServiceStatus, name: str, labels: dict[str, str], now: float = 0.0
) -> float | None:
    found = [v for n, some, v in samples(status, now) if (n, some) == (name, labels)]
    assert len(found) < 2
    return found[0] if found else None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("records_processed_total", 98),
        ("records_retried_total", 3),
        ("records_dead_lettered_total", 2),
        ("records_skipped_total", 1),
        ("records_redelivered_total", 4),
        ("lag_records", 42),
        ("committed_offset", 90),
        ("position_offset", 100),
        ("high_watermark_offset", 142),
        ("buffered_records", 7),
        ("in_flight_records", 5),
        ("in_flight_age_seconds", 1.5),
        ("paused", 0),
        ("handler_duration_seconds_count", 98),
        ("handler_duration_seconds_sum", 2.5),
    ],
)
def test_each_figure_of_a_partition_has_its_series(name: str, expected: float) -> None:
    assert value(service(), f"ticketpool_{name}", FIRST) == expected


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("worker_up", {"worker": "0"}, 1),
        ("worker_partitions", {"worker": "0"}, 1),
        ("worker_restarts_total", {"worker": "0"}, 2),
        ("rebalances_total", {"type": "assigned"}, 3),
        ("rebalances_total", {"type": "revoked"}, 2),
        ("rebalances_total", {"type": "lost"}, 1),
        ("commits_total", {}, 812),
        ("commit_failures_total", {}, 5),
        ("ready", {}, 1),
        ("uptime_seconds", {}, 61),
    ],
)
def test_each_figure_of_the_service_has_its_series(
    name: str, labels: dict[str, str], expected: float
) -> None:
    assert value(service(), f"ticketpool_{name}", GROUP | labels) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("time_lag_seconds", 12.5),
        ("commit_lag_records", 10),
        ("waiting_letters", 3),
        ("parked_keys", 2),
        ("held", 1),
        ("queue_wait_seconds_count", 9),
        ("queue_wait_seconds_sum", 1.5),
        ("end_to_end_seconds_count", 9),
    ],
)
def test_what_an_operator_asks_of_a_partition_has_its_series(name: str, expected: float) -> None:
    assert value(everything(), f"ticketpool_{name}", FIRST) == expected


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("worker_rss_bytes", {"worker": "0"}, 32_000_000),
        ("worker_cpu_seconds_total", {"worker": "0"}, 21.5),
        ("worker_uptime_seconds", {"worker": "0"}, 60),
        ("worker_ends_total", {"worker": "0", "reason": "hung"}, 2),
        ("worker_ends_total", {"worker": "0", "reason": "crashed"}, 0),
        ("assigned_partitions", {}, 1),
        ("problems", {}, 1),
        ("poll_age_seconds", {}, 0.25),
        ("cluster_reachable", {}, 1),
        ("cluster_rtt_seconds", {}, 0.0125),
        ("cluster_throttle_seconds", {}, 0.5),
    ],
)
def test_what_an_operator_asks_of_the_service_has_its_series(
    name: str, labels: dict[str, str], expected: float
) -> None:
    assert value(everything(), f"ticketpool_{name}", GROUP | labels) == expected


@pytest.mark.parametrize("state", ["ok", "warn", "stall", "stop", "rewind", "blocked"])
def test_one_state_reads_1_and_the_others_0(state: str) -> None:
    status = service(partition(state=state))
    told = {
        labels["state"]: v for n, labels, v in samples(status) if n == "ticketpool_partition_state"
    }
    assert [name for name, v in told.items() if v == 1] == [state]
    assert sorted(told.values()) == [0, 0, 0, 0, 0, 1]


def test_brokers_that_do_not_answer_have_no_times() -> None:
    status = service(cluster=Cluster(reachable=False))
    assert value(status, "ticketpool_cluster_reachable", GROUP) == 0
    assert value(status, "ticketpool_cluster_rtt_seconds", GROUP) is None


def test_a_partition_more_costs_its_own_series_only() -> None:
    """Cardinality is bounded by partitions: no offset, key, host or text is a label."""

    def names(status: ServiceStatus) -> list[str]:
        return [name for name, labels, _ in samples(status) if "partition" in labels]

    spread = Spread(buckets=[(0.1, 1), (None, 1)])
    one, two = (partition(partition=n, queue_wait=spread, end_to_end=spread) for n in (0, 1))
    assert len(names(service(one, two))) == 2 * len(names(service(one))) < 100
    labels = {key for _, some, _ in samples(everything()) for key in some}
    assert labels <= {
        "group", "topic", "partition", "worker", "state", "reason", "type", "le", "version",
        "python",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("state", "up"), [("starting", 0), ("ready", 1), ("draining", 1), ("dead", 0)]
)
def test_a_worker_is_up_while_it_has_a_warm_process(state: str, up: int) -> None:
    status = service(workers=[worker(slot=3, state=state)])
    assert value(status, "ticketpool_worker_up", GROUP | {"worker": "3"}) == up


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("lag", "lag_records"),
        ("committed", "committed_offset"),
        ("high_watermark", "high_watermark_offset"),
        ("in_flight_age_seconds", "in_flight_age_seconds"),
    ],
)
def test_what_is_not_known_has_no_series(field: str, name: str) -> None:
    status = service(partition(**{field: None}), partition(partition=1, **{field: 0}))
    assert value(status, f"ticketpool_{name}", FIRST) is None
    assert value(status, f"ticketpool_{name}", FIRST | {"partition": "1"}) == 0


def test_a_paused_partition_reads_1() -> None:
    assert value(service(partition(paused=True)), "ticketpool_paused", FIRST) == 1


def test_the_age_of_the_loop_grows_and_is_never_negative() -> None:
    status = service(made_at=100.0)
    assert value(status, "ticketpool_loop_age_seconds", GROUP, now=107.5) == 7.5
    assert value(status, "ticketpool_loop_age_seconds", GROUP, now=99.0) == 0


@pytest.mark.parametrize(
    ("buckets", "expected"),
    [
        ([(0.001, 40), (0.5, 98)], [(0.001, 40), (0.5, 98), (math.inf, 98)]),
        ([(0.001, 40), (None, 98)], [(0.001, 40), (math.inf, 98)]),
        ([(1e-05, 0)], [(1e-05, 0), (math.inf, 0)]),
        ([], [(math.inf, 0)]),
    ],
)
def test_durations_are_a_histogram_that_ends_at_infinity(
    buckets: list[tuple[float, int]], expected: list[tuple[float, int]]
) -> None:
    status = service(partition(handler_buckets=buckets))
    name = "ticketpool_handler_duration_seconds_bucket"
    found = [(float(labels["le"]), v) for n, labels, v in samples(status) if n == name]
    assert found == expected


def test_series_go_with_a_revoked_partition_and_return_without_a_step_back() -> None:
    one, two = partition(), partition(partition=1, processed=500)
    now: list[ServiceStatus] = [service(one, two)]
    metrics = Metrics(lambda: now[0])

    def processed() -> dict[str, float]:
        families = {f.name: f for f in parse_text(metrics.render()[0].decode())}
        found = families["ticketpool_records_processed"].samples
        return {sample.labels["partition"]: sample.value for sample in found}

    assert processed() == {"0": 98, "1": 500}
    now[0] = service(one)
    assert processed() == {"0": 98}
    assert 'partition="1"' not in metrics.render()[0].decode()
    now[0] = service(one, partition(partition=1, processed=501))  # over the life of the process
    assert processed() == {"0": 98, "1": 501}


@pytest.mark.parametrize("kind", ["assigned", "revoked", "lost"])
def test_rebalances_that_have_not_happened_read_0(kind: str) -> None:
    status = service(rebalances={})
    assert value(status, "ticketpool_rebalances_total", GROUP | {"type": kind}) == 0


def test_before_the_first_status_there_are_only_build_and_process() -> None:
    names = {name for name, _, _ in samples(None)}
    assert {n for n in names if not n.startswith("process_")} == {"ticketpool_build_info"}
    assert "process_resident_memory_bytes" in names
    assert [x["version"] for n, x, _ in samples(None) if n.endswith("info")] == [__version__]


def test_names_help_and_units_are_told_for_every_family() -> None:
    for family in parse_text(Metrics(service).render()[0].decode()):
        assert family.name.startswith(("ticketpool_", "process_"))
        assert family.documentation.endswith(".")
        assert family.type != "unknown"


def test_two_registries_do_not_meet() -> None:
    first = Metrics(lambda: service(commits=1)).render()[0]
    second = Metrics(lambda: service(commits=2)).render()[0]
    assert b'commits_total{group="ticket-processor-group"} 1.0' in first
    assert b'commits_total{group="ticket-processor-group"} 2.0' in second


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/html, */*", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain;version=abc", "text/plain; version=0.0.4; charset=utf-8"),
        (OPEN, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        (
            "Application/OpenMetrics-Text; version=abc",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
    ],
)
def test_the_accept_header_chooses_the_format(accept: str, kind: str) -> None:
    assert Metrics(service).render(accept)[1] == kind


def test_openmetrics_says_the_same_as_text() -> None:
    status = service(group='a "quoted"\n\\group', made_at=0.0)
    metrics = Metrics(lambda: status, clock=lambda: 1.0)
    text = {s for f in parse_text(metrics.render()[0].decode()) for s in _keys(f.samples)}
    families = parse_open(metrics.render(OPEN)[0].decode())  # type: ignore[no-untyped-call]
    rich = {s for f in families for s in _keys(f.samples)}
    assert text == rich


def _keys(found: list) -> Iterator[tuple[object, ...]]:  # type: ignore[type-arg]
    for sample in found:
        if sample.name.startswith("ticketpool_"):
            yield sample.name, tuple(sorted(sample.labels.items())), sample.value


def test_promtool_has_nothing_to_say() -> None:
    body = Metrics(everything).render()[0]
    told = subprocess.run([promtool(), "check", "metrics"], input=body, capture_output=True)
    assert (told.returncode, told.stdout, told.stderr) == (0, b"", b"")
