"""Lag is the log's end less what is settled: while fetching is paused, before the first commit,
behind a transaction's marker, and of nothing that was given up.

In doubt because librdkafka knows the end as of its last fetch only, counts from the commit,
has no position behind a marker, and takes the end of an open transaction for an end.
"""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.listener import Listener
from tests.run.test_gaps_in_offsets_are_no_loss import transact
from tests.run.topics import committed, ticket, tickets, write
from tests.support import eventually

pytestmark = pytest.mark.e2e


def row(listener: Listener, number: int) -> dict[str, Any]:
    """What the status says of a partition."""
    return next(one for one in listener.status()["partitions"] if one["partition"] == number)


def test_while_paused_and_before_the_first_commit(
    kafka: Broker, make_topic: Callable[..., str], run: Run, listener: Listener, tmp_path: Path
) -> None:
    topic, gate = make_topic(1), tmp_path / "gate"
    write(kafka, topic, tickets(0, ["", "", f"await {gate}", *[""] * 37]))
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    for future in admin.delete_records([TopicPartition(topic, 0, 2)]).values():
        future.result(10)
    service = run(
        "obey", topic, "--workers", "1", "--http", listener.address, "--buffer-records", "10",
        "-X", "fetch.wait.max.ms=50",
    )  # fmt: skip
    service.await_event("ready")
    eventually(lambda: row(listener, 0)["lag"] == 38 and row(listener, 0)["in_flight_age_seconds"])
    told = row(listener, 0)
    assert told["committed"] in (None, 2)  # the first record's announcement, at most
    assert (told["position"], told["high_watermark"]) == (2, 40)
    age = told["time_lag_seconds"]
    assert age > told["in_flight_age_seconds"] > 0
    write(kafka, topic, tickets(0, [""] * 4000))
    eventually(lambda: row(listener, 0)["paused"])
    write(kafka, topic, tickets(0, [""] * 100))
    eventually(lambda: row(listener, 0)["lag"] == 4138)
    told = row(listener, 0)
    assert (told["paused"], told["position"], told["high_watermark"]) == (True, 2, 4140)
    assert told["time_lag_seconds"] > age
    gate.touch()
    eventually(lambda: row(listener, 0)["lag"] == 0, seconds=20)
    eventually(lambda: row(listener, 0)["committed"] == 4140)
    told = row(listener, 0)
    assert (told["time_lag_seconds"], told["commit_lag"], told["state"]) == (0.0, 0, "ok")
    assert told["rate_per_s"] > 0


def test_transactions(
    kafka: Broker, make_topic: Callable[..., str], group: str, run: Run, listener: Listener
) -> None:
    topic = make_topic(1)
    transact(kafka, topic, (5, True), (3, False))
    run("obey", topic, "--workers", "1", "--http", listener.address).await_event("ready")
    eventually(lambda: row(listener, 0)["position"] == 10)  # two markers
    assert (row(listener, 0)["lag"], row(listener, 0)["processed"]) == (0, 5)
    eventually(lambda: committed(kafka, group, topic) == {0: 10})
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "transactional.id": f"{topic}-2"})
    producer.init_transactions(30)
    producer.begin_transaction()
    for _ in range(4):
        producer.produce(topic, ticket(), partition=0)
    assert producer.flush(10) == 0
    made_at = listener.status()["made_at"]
    eventually(lambda: listener.status()["made_at"] > made_at + 1.5)  # the end was asked for again
    told = row(listener, 0)
    assert (told["high_watermark"], told["lag"], told["state"]) == (10, 0, "ok")
    producer.commit_transaction(30)
    eventually(lambda: (row(listener, 0)["position"], row(listener, 0)["lag"]) == (15, 0))


def test_what_was_given_up_vanishes(
    kafka: Broker, make_topic: Callable[..., str], run: Run, listener: Listener
) -> None:
    topic = make_topic(2)
    write(kafka, topic, [one for p in range(2) for one in tickets(p, [""] * 3)])
    run("obey", topic, "--workers", "1", "--http", listener.address).await_event("ready")
    eventually(lambda: {one["lag"] for one in listener.status()["partitions"]} == {0})
    second = run("obey", topic, "--workers", "1")
    second.await_event("assigned")
    eventually(lambda: len(listener.status()["partitions"]) == 1)
    (kept,) = listener.status()["partitions"]
    given = 1 - kept["partition"]
    write(kafka, topic, tickets(given, ["sleep 3", ""]))  # a lag that is not ours
    made_at = listener.status()["made_at"]
    eventually(lambda: listener.status()["made_at"] > made_at + 1.5)
    assert [one["partition"] for one in listener.status()["partitions"]] == [kept["partition"]]
    assert f'partition="{given}"' not in listener.get("/metrics").text
    second.signal(signal.SIGTERM)
    second.expect(0)
    eventually(lambda: len(listener.status()["partitions"]) == 2, seconds=20)
    eventually(lambda: row(listener, given)["position"] == 5, seconds=20)
    assert row(listener, given)["lag"] == 0
