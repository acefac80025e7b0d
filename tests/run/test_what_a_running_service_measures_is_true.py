"""Waits, ages, processes, events and brokers of a running service are what they are.

In doubt because each is measured far from what it is about, and nothing breaks when it is wrong.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from tests.broker import Broker
from tests.prometheus import named, promtool
from tests.run.conftest import Run
from tests.run.listener import Listener
from tests.run.topics import Raw, ticket
from tests.support import eventually

pytestmark = pytest.mark.e2e

HOUR_SECONDS = 3600
RECORDS = 200
DASHBOARD = Path(__file__).parents[2] / "deploy" / "grafana" / "ticketpool.json"


def write_as_of(kafka: Broker, topic: str, seconds_ago: float, records: list[Raw]) -> None:
    """Records whose timestamps are so old."""
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "enable.idempotence": True})
    stamp = int((time.time() - seconds_ago) * 1000)
    for one in records:
        producer.produce(topic, one.value, partition=one.partition, timestamp=stamp)
    assert producer.flush(30) == 0


def spread(listener: Listener, name: str) -> dict[str, Any]:
    (partition,) = listener.status()["partitions"]
    return dict(partition[name])


def events(listener: Listener, name: str) -> list[dict[str, Any]]:
    return [one for one in listener.status()["events"] if one["name"] == name]


def counters(listener: Listener) -> dict[str, float]:
    lines = listener.get("/metrics").text.splitlines()
    samples = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
    return {name: float(figure) for name, figure in samples if "_total" in name}


def test_figures_of_a_life(
    kafka: Broker, make_topic: Callable[..., str], run: Run, listener: Listener, tmp_path: Path
) -> None:
    topic = make_topic(1)
    gate = tmp_path / "gate"
    deeds = [f"await {gate}", *[""] * (RECORDS - 1)]
    write_as_of(
        kafka, topic, HOUR_SECONDS, [Raw(0, ticket(deed, n)) for n, deed in enumerate(deeds, 1)]
    )
    service = run(
        "obey", topic, "--workers", "1", "--http", listener.address, "-X",
        "statistics.interval.ms=300",
    )  # fmt: skip
    eventually(lambda: listener.status()["partitions"][0]["in_flight_offset"] == 0, seconds=30)
    held_since = time.monotonic()
    _tells_who_it_is(listener, topic, service.pid)
    eventually(lambda: len(listener.status()["history"]) >= 1)
    gate.touch()
    held = time.monotonic() - held_since
    eventually(lambda: spread(listener, "queue_wait")["buckets"][-1] == [None, RECORDS])
    _waits_are_those_of_the_gate(listener, held)
    _a_killed_worker_is_told(listener)
    _metrics_are_well_formed(listener)
    eventually(lambda: any(one["rate_per_s"] > 0 for one in listener.status()["history"]))
    eventually(lambda: 0 < listener.status()["cluster"]["rtt_ms"] < 2000)
    assert listener.status()["cluster"]["throttle_ms"] == 0


def _tells_who_it_is(listener: Listener, topic: str, pid: int) -> None:
    status = listener.status()
    assert (status["pid"], status["dead_letter_topics"]) == (pid, [f"{topic}.dlq"])
    assert status["host"] == os.uname().nodename
    assert 0 <= status["poll_age_seconds"] < 5
    assert {one["fields"]["topic"] for one in events(listener, "assigned")} == {topic}


def _waits_are_those_of_the_gate(listener: Listener, held_seconds: float) -> None:
    """All but the first have waited for as long as the first one ran."""
    wait, age = spread(listener, "queue_wait"), spread(listener, "end_to_end")
    assert held_seconds * 0.9 * RECORDS * 0.9 <= wait["seconds"]
    assert wait["seconds"] <= (held_seconds + 5) * RECORDS
    assert age["buckets"][-1] == [None, RECORDS]
    assert HOUR_SECONDS <= age["seconds"] / RECORDS <= HOUR_SECONDS + held_seconds + 30
    assert HOUR_SECONDS * 1e3 <= age["p50_ms"] <= (HOUR_SECONDS + held_seconds + 30) * 1.13e3


def _a_killed_worker_is_told(listener: Listener) -> None:
    before, (worker,) = counters(listener), listener.status()["workers"]
    assert worker["rss_bytes"] > 8 << 20
    assert worker["cpu_seconds"] > 0
    assert worker["last_end"] is None
    os.kill(worker["pid"], signal.SIGKILL)
    eventually(lambda: listener.status()["workers"][0]["restarts"] == 1)
    eventually(lambda: listener.status()["workers"][0]["rss_bytes"])
    (told,) = listener.status()["workers"]
    assert told["restarts_by_reason"] == {"killed": 1}
    assert told["last_end"].startswith("SIGKILL")
    assert told["uptime_seconds"] < worker["uptime_seconds"]
    (exited,) = events(listener, "worker exited")
    assert (exited["fields"]["pid"], exited["level"]) == (worker["pid"], "warning")
    after = counters(listener)
    assert {name: after.get(name) for name in before if after.get(name, -1) < before[name]} == {}


def _metrics_are_well_formed(listener: Listener) -> None:
    text = listener.get("/metrics").text
    told = subprocess.run(
        [promtool(), "check", "metrics"], input=text, capture_output=True, text=True
    )
    assert (told.returncode, told.stdout + told.stderr) == (0, "")
    missing = {name for name in named(DASHBOARD.read_text()) if f"\n{name}" not in text}
    assert missing == set()
