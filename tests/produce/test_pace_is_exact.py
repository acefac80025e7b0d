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
    kafka: Broker, make_topic: Callable[..., str], command: Callable[..., Command], rate: int,
    workers: int,
) -> None:  # fmt: skip
    found = []
    for _ in range(3):  # other tests that want the cores can make it late, and nothing else can
        topic = make_topic()
        run = command(
            "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--json",
            "--rate", str(rate), "--duration", "4", "--workers", str(workers),
        ).expect(0)  # fmt: skip
        summary = run.json()
        assert summary["delivered"] == rate * 4
        assert summary["rate_per_s"] < rate * 1.01
        found.append((summary["rate_per_s"], _lateness(kafka.bootstrap, topic, rate)))
        if found[-1][0] > rate * 0.99 and found[-1][1] < 0.02:
            return
    raise AssertionError(f"rate a second and median lateness in three runs: {found}")


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


def _lateness(bootstrap: str, topic: str, rate: int) -> float:
    """Median seconds that tickets were made behind their due time; none of them in a burst."""
    tickets = sorted((w.ticket for w in read(bootstrap, topic)), key=lambda t: t.order_id)
    offsets = [t.timestamp.timestamp() - (t.order_id - 1) / rate for t in tickets]
    return median(offset - min(offsets) for offset in offsets)
