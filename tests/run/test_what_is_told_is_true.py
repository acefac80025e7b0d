"""Logs, health, status and metrics of a running service tell what really happens.

In doubt because they are snapshots and counters beside the work: nothing breaks
when they are wrong.
"""

from collections.abc import Callable
from pathlib import Path
from signal import SIGTERM
from typing import Any

import msgspec
import pytest

from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.journal import Journal
from tests.run.listener import Listener
from tests.run.topics import committed, tickets, write
from tests.support import Command, eventually

pytestmark = pytest.mark.e2e


def partition(listener: Listener, number: int) -> dict[str, Any]:
    """What ``/api/status`` says of a partition."""
    found = [one for one in listener.status()["partitions"] if one["partition"] == number]
    assert len(found) == 1
    return dict(found[0])


def test_readiness_follows_the_workers_and_the_stop(
    command: Callable[..., Command], kafka: Broker, topic: str, group: str, listener: Listener,
    tmp_path: Path,
) -> None:  # fmt: skip
    (tmp_path / "gated.py").write_text(
        "import time\nfrom pathlib import Path\n\n\n"
        "def wait(name):\n    while not Path(name).exists():\n        time.sleep(0.01)\n\n\n"
        "wait('loaded')\n\n\ndef handle(ticket):\n    wait('handled')\n"
    )
    service = command(
        "run", "gated:handle", "--bootstrap-servers", kafka.bootstrap, "--topic", topic,
        "--group", group, "--http", listener.address, "--workers", "2",
    )  # fmt: skip
    eventually(lambda: listener.get("/healthz").status_code == 200)
    assert listener.get("/readyz").status_code == 503
    assert listener.status()["state"] == "starting"
    (tmp_path / "loaded").touch()
    service.await_event("ready")
    eventually(lambda: listener.get("/readyz").status_code == 200)
    write(kafka, topic, tickets(0, [""]))
    eventually(lambda: partition(listener, 0)["in_flight_offset"] == 0)
    service.signal(SIGTERM)
    eventually(lambda: listener.get("/readyz").status_code == 503)
    assert listener.status()["state"] == "draining"
    assert listener.get("/healthz").status_code == 200
    (tmp_path / "handled").touch()
    service.expect(0)
    assert committed(kafka, group, topic) == {0: 1}


def test_the_status_of_a_partition(
    kafka: Broker, make_topic: Callable[..., str], run: Run, listener: Listener, tmp_path: Path
) -> None:
    topic = make_topic(2)
    gate = tmp_path / "gate"
    write(kafka, topic, tickets(0, ["", "", "raise-before 3"]))
    service = run(
        "obey", topic, "--workers", "2", "--backoff", "0.01", "--http", listener.address,
        "--commit-interval", "0.1",
    )  # fmt: skip
    eventually(lambda: partition(listener, 0)["committed"] == 3, seconds=30)
    write(kafka, topic, tickets(0, [f"await {gate}", "", ""]))
    eventually(lambda: partition(listener, 0)["in_flight_offset"] == 3)
    eventually(lambda: partition(listener, 0)["in_flight"] == 3)
    eventually(lambda: partition(listener, 0)["in_flight_age_seconds"] > 0)  # rounded to 1 ms
    told = partition(listener, 0)
    assert (told["position"], told["high_watermark"], told["lag"]) == (3, 6, 3)
    assert (told["processed"], told["retried"], told["in_flight"]) == (3, 2, 3)
    assert told["pid"] in {child.pid for child in service.children()}
    age = told["in_flight_age_seconds"]
    eventually(lambda: partition(listener, 0)["in_flight_age_seconds"] > age)
    gate.touch()
    eventually(lambda: partition(listener, 0)["committed"] == 6)
    told = partition(listener, 0)
    assert (told["position"], told["lag"], told["processed"]) == (6, 0, 6)
    assert told["in_flight_offset"] is None
    assert told["in_flight"] == told["buffered"] == 0
    assert not told["paused"]
    assert told["latency_ms"]["p99"] >= told["latency_ms"]["p50"] > 0


def test_metrics_add_up(
    kafka: Broker, make_topic: Callable[..., str], run: Run, listener: Listener
) -> None:
    topic = make_topic(3)
    kafka.create_topic(f"{topic}.dlq", 1)
    write(kafka, topic, [one for p in range(3) for one in tickets(p, [""] * 50)])
    write(kafka, topic, tickets(0, ["raise-before 3", "reject torn", "once exit 3", ""]))
    run("obey", topic, "--workers", "2", "--backoff", "0.01", "--http", listener.address)
    processed = "ticketpool_records_processed_total"
    eventually(lambda: listener.metric(processed) == 153, seconds=30)
    eventually(lambda: listener.metric("ticketpool_records_dead_lettered_total") == 1)
    eventually(lambda: listener.metric("ticketpool_worker_restarts_total") == 1)
    eventually(lambda: listener.metric("ticketpool_committed_offset") == 154)
    assert listener.metric("ticketpool_lag_records") == 0
    assert listener.metric("ticketpool_records_retried_total") == 2
    assert listener.metric("ticketpool_records_redelivered_total") >= 1
    # Calls that ended: one more for the dead letter; a crash is no end.
    assert listener.metric("ticketpool_handler_duration_seconds_count") >= 150
    status = listener.status()
    assert sum(one["processed"] for one in status["partitions"]) == 153
    assert [one["restarts"] for one in status["workers"]].count(1) == 1
    assert status["rebalances"]["assigned"] == 1


def test_the_events_of_a_life(
    kafka: Broker, make_topic: Callable[..., str], group: str, run: Run, journal: Journal
) -> None:
    topic = make_topic(2)
    kafka.create_topic(f"{topic}.dlq", 1)
    write(kafka, topic, tickets(1, ["", "once exit 3", "reject torn", ""]))
    service = run("obey", topic, "--workers", "2")
    eventually(lambda: committed(kafka, group, topic) == {1: 4}, seconds=30)
    service.signal(SIGTERM)
    service.expect(0)
    lines = service.stderr.splitlines()
    assert all("event" in msgspec.json.decode(line) for line in lines)
    assert [event["event"] for event in service.events()].count("ready") == 1
    assert fields(service, "ready") == [(2, 2)]
    assert sorted(fields(service, "assigned")) == [(topic, 0), (topic, 1)]
    assert sorted(fields(service, "revoked")) == [(topic, 0), (topic, 1)]
    assert service.events("lost") == []
    assert [e["committed"] for e in service.events("revoked") if e["partition"] == 1] == [4]
    (dead,) = service.events("dead-lettered")
    assert (dead["topic"], dead["partition"], dead["offset"]) == (topic, 1, 2)
    assert dead["reason"] == "Reject: torn"
    (ended,) = service.events("worker exited")
    assert ended["reason"] == "exit code 3"
    assert ended["running"] == [{"topic": topic, "partition": 1, "offset": 1}]
    started = [(event["worker"], event["pid"]) for event in service.events("worker started")]
    assert len(started) == 3
    assert (ended["worker"], ended["pid"]) in started


def fields(service: Command, event: str) -> list[tuple[Any, Any]]:
    """The two fields of each event of that name that say what it is about."""
    names = {"ready": ("partitions", "workers")}.get(event, ("topic", "partition"))
    return [(one[names[0]], one[names[1]]) for one in service.events(event)]


def test_a_clean_run_warns_of_nothing(kafka: Broker, topic: str, run: Run) -> None:
    write(kafka, topic, [one for p in range(8) for one in tickets(p, [""] * 100)])
    service = run("obey", topic, "--workers", "2", "--until-caught-up").expect(0)
    assert [e for e in service.events() if e["level"] != "info"] == []
