"""The pace is kept within 1 %, whatever the number of processes, and latency stays low.

In doubt because each process keeps its own time, and sleeps are never exact.
"""

from collections.abc import Callable
from statistics import median

import pytest

from tests.broker import Broker
from tests.produce.topics import order_ids_by_key, read
from tests.support import Command
from ticketpool.core.schedule import Schedule

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(("rate", "workers"), [(100, 1), (250, 3), (4000, 2)])
def test_pace(
    kafka: Broker, topic: str, command: Callable[..., Command], rate: int, workers: int
) -> None:
    run = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--rate", str(rate),
        "--duration", "4", "--workers", str(workers), "--json",
    ).expect(0)  # fmt: skip
    summary = run.json()
    assert summary["delivered"] == rate * 4
    assert summary["rate_per_s"] == pytest.approx(rate, rel=0.01)
    _assert_each_in_its_time(kafka.bootstrap, topic, rate)


def test_a_ramp_with_jitter_and_busy_keys_is_as_exact(
    kafka: Broker, topic: str, command: Callable[..., Command]
) -> None:
    run = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--rate", "400",
        "--ramp", "1", "--jitter", "0.9", "--duration", "2", "--workers", "2", "--keys", "20",
        "--key-distribution", "zipf", "--json",
    ).expect(0)  # fmt: skip
    tickets = [w.ticket for w in read(kafka.bootstrap, topic)]
    assert run.json()["delivered"] == len(tickets) == 600
    assert {ticket.order_id for ticket in tickets} == set(range(1, 601))
    schedule = Schedule(400.0, ramp_seconds=1.0, jitter=0.9)
    offsets = [t.timestamp.timestamp() - schedule.due_seconds(t.order_id - 1) for t in tickets]
    assert median(offsets) - min(offsets) < 0.02
    ids = order_ids_by_key(read(kafka.bootstrap, topic))
    assert all(each == sorted(each) for each in ids.values())
    assert len(ids[b"key-0"]) == pytest.approx(2 * len(ids[b"key-1"]), rel=0.1)
    assert len(ids[b"key-0"]) > 8 * len(ids[b"key-19"])


def _assert_each_in_its_time(bootstrap: str, topic: str, rate: int) -> None:
    """Most tickets were made within a few milliseconds of their due time, none in a burst."""
    tickets = sorted((w.ticket for w in read(bootstrap, topic)), key=lambda t: t.order_id)
    offsets = [t.timestamp.timestamp() - (t.order_id - 1) / rate for t in tickets]
    lateness = [offset - min(offsets) for offset in offsets]
    assert median(lateness) < 0.02


def test_at_a_low_rate_nothing_waits_for_company(
    kafka: Broker, topic: str, command: Callable[..., Command]
) -> None:
    run = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--rate", "100",
        "--count", "200", "--json",
    ).expect(0)  # fmt: skip
    latency = run.json()["latency_ms"]
    assert 0 < latency["p50"] < 5  # librdkafka's own linger.ms would make it more than 5
    assert latency["p50"] <= latency["p99"] <= latency["max"]
