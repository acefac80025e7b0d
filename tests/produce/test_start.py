"""What cannot work is said at the start, with the setting to change.

In doubt because librdkafka itself would wait for minutes, and without a word.
"""

from collections.abc import Callable, Iterator

import pytest

from tests.broker import Broker
from tests.produce.topics import read
from tests.support import Command
from ticketpool.kafka.embedded import PARTITIONS, EmbeddedCluster

pytestmark = pytest.mark.e2e

Start = Callable[..., Command]


@pytest.fixture
def embedded() -> Iterator[str]:
    with EmbeddedCluster() as cluster:
        yield cluster.bootstrap


def test_no_broker(command: Start) -> None:
    run = command("produce", "--bootstrap-servers", "127.0.0.1:1").expect(3, seconds=10)
    assert "127.0.0.1:1" in run.stderr
    assert "--bootstrap-servers" in run.stderr


def test_no_topic(kafka: Broker, group: str, command: Start) -> None:
    run = command("produce", "--bootstrap-servers", kafka.bootstrap, "--topic", group)
    run.expect(2, seconds=15)
    assert f"no topic {group!r}" in run.stderr
    assert "--create-topic" in run.stderr


def test_create_topic(kafka: Broker, group: str, command: Start) -> None:
    run = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", group, "--create-topic",
        "--partitions", "3", "--count", "90", "--rate", "0",
    ).expect(0)  # fmt: skip
    assert run.await_event("topic made")["partitions"] == 3
    assert {w.partition for w in read(kafka.bootstrap, group)} == {0, 1, 2}


def test_a_broker_that_makes_topics_by_itself(embedded: str, command: Start) -> None:
    run = command(
        "produce", "--bootstrap-servers", embedded, "--count", "200", "--rate", "0", "--json"
    ).expect(0)
    assert run.await_event("topic made")["partitions"] == PARTITIONS
    assert run.json()["delivered"] == len(read(embedded, "tickets")) == 200


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--workers", "0"], "--workers"),
        (["--keys", "0"], "--keys"),
        (["--rate", "-1"], "--rate"),
        (["--rate", "nan"], "--rate"),
        (["--count", "-1"], "--count"),
        (["--duration", "inf"], "--duration"),
        (["--size", "0"], "--size"),
        (["--delivery-timeout", "0"], "--delivery-timeout"),
        (["--partitions", "0"], "--partitions"),
        (["--replication", "0"], "--replication"),
        (["--partitioner", "modulo"], "--partitioner"),
        (["--compression", "rar"], "--compression"),
        (["--ramp", "-1"], "--ramp"),
        (["--ramp", "5", "--rate", "0"], "--ramp"),
        (["--jitter", "1.5"], "--jitter"),
        (["--key-distribution", "normal"], "--key-distribution"),
        (["--key-distribution", "zipf", "--keys", "200000"], "--keys 200000"),
        (["--input", "missing"], "--input missing: No such file"),
        (["--input", "."], "--input .: is a folder"),
        (["--input", "/dev/null", "--count", "5"], "--count"),
        (["--input", "/dev/null", "--input-format", "xml"], "--input-format"),
        (["--input", "/dev/null", "--failed", "/dev/null"], "is the --input"),
        (["--key-field", "id"], "--input"),
        (["--strict"], "--input"),
        (["--failed", "missing/failed"], "--failed missing/failed: No such file"),
        (["-X", "acks=1"], "acks"),
        (["-X", "lingr.ms=1"], "lingr.ms"),
        (["-X", "batch.size=soon"], "batch.size"),
    ],
)
def test_a_wrong_setting_is_named(command: Start, arguments: list[str], named: str) -> None:
    run = command("produce", "--bootstrap-servers", "127.0.0.1:1", *arguments).expect(2)
    assert named in run.stderr


def test_more_processes_than_keys(embedded: str, command: Start) -> None:
    run = command(
        "produce", "--bootstrap-servers", embedded, "--keys", "2", "--workers", "4",
        "--count", "10", "--rate", "0", "--json",
    ).expect(0)  # fmt: skip
    assert run.json()["workers"] == 2
    assert run.await_event("fewer processes than wanted")["workers"] == 2


def test_no_tickets_at_all(embedded: str, command: Start) -> None:
    run = command("produce", "--bootstrap-servers", embedded, "--count", "0", "--json").expect(0)
    assert run.json()["delivered"] == 0
    assert run.json()["latency_ms"] == {"p50": None, "p99": None, "max": None}


def test_standard_output_is_empty_without_json(embedded: str, command: Start) -> None:
    run = command("produce", "--bootstrap-servers", embedded, "--count", "1").expect(0)
    assert run.stdout == ""
    assert run.await_event("produced")["delivered"] == 1
