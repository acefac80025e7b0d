"""``status`` and ``top`` over a real run: by its supervisor, and by the broker alone.

In doubt because only a real broker shows whether the two agree, and what it tells of a group
whose supervisor is gone.
"""

from collections.abc import Callable
from pathlib import Path
from signal import SIGTERM
from typing import Any

import pytest
from confluent_kafka import Producer

from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.listener import Listener
from tests.run.topics import ticket, tickets, write
from tests.support import Command, eventually
from tests.terminal.emulator import Emulator

pytestmark = pytest.mark.e2e

Status = Callable[..., Command]


@pytest.fixture
def status(command: Callable[..., Command]) -> Status:
    """``status(CODE or None, *OPTIONS)``: ``ticketpool status --json``, ended."""

    def ask(code: int | None, *options: str) -> Command:
        asked = command("status", "--json", *options)
        assert code in (None, asked.wait()), asked.stderr
        return asked

    return ask


def partition(asked: Command, number: int) -> dict[str, Any]:
    (group,) = asked.json()["groups"]
    return dict(group["partitions"][number])


def open_transaction(kafka: Broker, topic: str, number: int) -> Producer:
    """A ticket that nobody may read yet: it does not lag."""
    producer = Producer(
        {
            "bootstrap.servers": kafka.bootstrap,
            "transactional.id": topic,
            "transaction.timeout.ms": 300_000,  # the broker would end it sooner
            "log_level": 0,
        }
    )
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, ticket(), partition=number)
    assert producer.flush(30) == 0
    return producer


def told_while_it_stalls(status: Status, by_http: list[str], by_broker: list[str]) -> None:
    told = status(None, *by_http)
    assert partition(told, 1)["in_flight_offset"] == 0
    assert partition(told, 1)["lag"] == 3
    assert told.json()["ok"] is (told.wait() == 0)
    stalled = status(8, *by_broker)
    assert [partition(stalled, n)["lag"] for n in range(3)] == [0, 3, 0]
    assert [partition(stalled, n)["state"] for n in range(3)] == ["ok", "stall", "ok"]
    assert "ticketpool" in partition(stalled, 1)["member"]


def seen_on_top(by_http: list[str], by_broker: list[str], gate: Path, folder: Path) -> None:
    with Emulator(*by_broker, folder=folder) as top:
        eventually(lambda: "3 partitions: 1 stall, 2 ok" in top.text and "stable" in top.text)
        top.press("q")
        assert top.process.wait(10) == 0

    with Emulator(*by_http, "--interval", "0.2", folder=folder) as top:
        eventually(lambda: "[1] " in top.text)
        top.press("/[1]\r")
        eventually(lambda: "running 0 for" in top.text)
        gate.touch()
        eventually(lambda: "running nothing" in top.text and "processed 3" in top.text)
        top.press("q")
        assert top.process.wait(10) == 0
        eventually(lambda: top.restored)


def told_without_a_member(status: Status, by_broker: list[str], group: str) -> None:
    stopped = status(8, *by_broker)
    assert partition(stopped, 0)["state"] == "stop"
    assert partition(stopped, 0)["lag"] == 1
    assert f"ticketpool run --group {group}" in partition(stopped, 0)["blame"]["remedy"]


def test_the_supervisor_and_the_broker_agree_and_the_broker_goes_on_telling(
    run: Run, status: Status, kafka: Broker, make_topic: Callable[..., str], group: str,
    listener: Listener, tmp_path: Path,
) -> None:  # fmt: skip
    topic, gate = make_topic(3), tmp_path / "gate"
    by_broker = ["--group", group, "--bootstrap-servers", kafka.bootstrap, "--interval", "0.5"]
    by_http = ["--http", listener.address]
    status(2, *by_broker)  # nobody knows such a group

    write(kafka, topic, tickets(0, [""] * 5) + tickets(1, [f"await {gate}", "", ""]))
    producer = open_transaction(kafka, topic, 2)
    service = run("obey", topic, "--workers", "2", *by_http)
    service.await_event("ready")
    eventually(lambda: listener.status()["partitions"][0]["committed"] == 5)

    told_while_it_stalls(status, by_http, by_broker)
    seen_on_top(by_http, by_broker, gate, tmp_path)
    eventually(lambda: listener.status()["partitions"][1]["committed"] == 3)
    status(0, *by_broker)
    status(0, *by_http)
    service.signal(SIGTERM)
    service.expect(0)
    status(3, *by_http)
    status(0, *by_broker)  # nobody is there, and nothing waits
    write(kafka, topic, tickets(0, [""]))
    told_without_a_member(status, by_broker, group)
    producer.abort_transaction(30)


def test_a_broker_that_is_not_there_is_3(status: Status, listener: Listener) -> None:
    asked = status(3, "--group", "any", "--bootstrap-servers", listener.address)
    assert "no Kafka broker answers" in asked.stdout
