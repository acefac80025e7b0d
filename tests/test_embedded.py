"""The embedded cluster serves other processes, and ends when it is told to.

In doubt because librdkafka's mock cluster is experimental and lives inside one
process's client.
"""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import Command, eventually
from ticketpool.config import KafkaConfig
from ticketpool.errors import BrokerUnreachable
from ticketpool.kafka import cluster as cluster_module
from ticketpool.kafka.cluster import Cluster
from ticketpool.kafka.embedded import PARTITIONS, EmbeddedCluster
from ticketpool.verify import verify

Start = Callable[..., Command]


def kafka_config(bootstrap: str) -> KafkaConfig:
    return KafkaConfig(bootstrap_servers=bootstrap)


def test_topics_are_there_at_once_and_no_others() -> None:
    with EmbeddedCluster(["one", "two"]) as cluster:
        found = Cluster(kafka_config(cluster.bootstrap)).partition_counts(["one", "two", "three"])
    assert found == {"one": PARTITIONS, "two": PARTITIONS}


def test_a_closed_cluster_answers_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "ANSWER_SECONDS", 0.5)
    cluster = EmbeddedCluster()
    cluster.close()
    cluster.close()
    with pytest.raises(BrokerUnreachable):
        Cluster(kafka_config(cluster.bootstrap)).metadata()


@pytest.mark.e2e
def test_what_one_process_writes_another_reads(command: Start) -> None:
    with EmbeddedCluster(["tickets"]) as cluster:
        shared = ["--bootstrap-servers", cluster.bootstrap]
        writing = ["--count", "500", "--rate", "0", "--keys", "20", "--json"]
        assert command("produce", *writing, *shared).expect(0).json()["delivered"] == 500
        found = command("verify", "--json", *shared).expect(0).json()
        assert (found["processed"], found["partitions"]) == (500, PARTITIONS)
        assert verify(kafka_config(cluster.bootstrap), ["tickets"]).ok


@pytest.mark.e2e
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_a_signal_and_ends_at_once(
    command: Start, number: signal.Signals
) -> None:
    serving = command("broker", "--topic", "a", "--topic", "b", "--json")
    found = eventually(serving.json)
    assert found["ok"] is True
    counts = Cluster(kafka_config(found["bootstrap_servers"])).partition_counts(["a", "b"])
    assert counts == {"a": PARTITIONS, "b": PARTITIONS}
    serving.signal(number)
    serving.expect(0, seconds=5)
    assert serving.json() == found


@pytest.mark.e2e
def test_the_command_says_how_to_use_it_and_what_it_is_not(command: Start, tmp_path: Path) -> None:
    serving = command("broker")
    eventually(lambda: "Ctrl-C ends it" in serving.stdout)
    address = serving.stdout.split()[5]
    for said in (
        f"ticketpool run --bootstrap-servers {address}",
        f"ticketpool produce --rate 100 --bootstrap-servers {address}",
        "It keeps nothing",
        "4 partitions each",
        "5 MB",
        "no Kafka",
    ):
        assert said in serving.stdout
    serving.signal(signal.SIGTERM)
    serving.expect(0, seconds=5)
