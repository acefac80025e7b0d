"""``ticketpool verify`` sees each fault that is planted, and ends on any topic.

In doubt because a checker that is blind passes every clean run, and because
offsets are not record counts: transactions and trimmed heads leave holes.
"""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.broker import Broker
from tests.support import Command
from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition
from ticketpool.errors import BrokerUnreachable
from ticketpool.kafka import reader
from ticketpool.kafka.reader import Reader
from ticketpool.verify import Report, verify

RUN = "0123abcd"
Start = Callable[..., Command]


class Row(msgspec.Struct):
    """One record to write: partition, key, value."""

    partition: int
    key: bytes | None
    value: bytes | None


def ticket(order_id: int, run: str | None = RUN) -> bytes:
    name = f"{run}-{order_id}" if run else f"other/{order_id}"
    when = "2024-05-06T07:08:09.123456789Z"
    return msgspec.json.encode({"id": name, "timestamp": when, "order_id": order_id, "data": "x"})


def row(order_id: int, run: str | None = RUN) -> Row:
    """A ticket where the rules have it: five keys, each in one of two partitions."""
    key = order_id % 5
    return Row(key % 2, b"key-%d" % key, ticket(order_id, run))


def rows(*order_ids: int) -> list[Row]:
    return [row(order_id) for order_id in order_ids]


def write(broker: Broker, topic: str, records: Iterable[Row], **properties: str) -> Producer:
    producer = Producer({"bootstrap.servers": broker.bootstrap, "linger.ms": 1, **properties})
    if "transactional.id" in properties:
        producer.init_transactions(30)
        producer.begin_transaction()
    for one in records:
        producer.produce(topic, one.value, key=one.key, partition=one.partition)
    assert producer.flush(30) == 0
    return producer


def kafka_config(broker: Broker) -> KafkaConfig:
    return KafkaConfig(bootstrap_servers=broker.bootstrap)


def verified(broker: Broker, *topics: str, run: str | None = None) -> Report:
    return verify(kafka_config(broker), topics, run=run)


def counts(report: Report) -> tuple[int, int, int, int, int]:
    wrong = (report.lost, report.duplicates, report.out_of_order)
    return report.produced, report.processed, *wrong


def test_a_complete_run_in_order_is_ok(kafka: Broker, topic: str, command: Start) -> None:
    write(kafka, topic, rows(*range(1, 2001)))
    asked = ["--topic", topic, "--bootstrap-servers", kafka.bootstrap]
    found = command("verify", *asked, "--json").expect(0).json()
    assert found["ok"] is True
    assert (found["produced"], found["processed"]) == (2000, 2000)
    assert (found["lost"], found["duplicates"], found["out_of_order"]) == (0, 0, 0)
    assert (found["runs"], found["keys"], found["partitions"]) == (1, 5, 8)
    assert found["throughput_per_s"] > 0
    words = command("verify", *asked).expect(0).stdout
    assert "complete, in order per key, each ticket once" in words


PLANTED: dict[str, tuple[list[Row], dict[str, int], dict[str, Any]]] = {
    "gap": (rows(1, 2, 3, 5, 6), {"lost": 1}, {"first": 4, "last": 4, "run": RUN}),
    "head": (rows(4, 5, 6), {"lost": 3}, {"first": 1, "last": 3}),
    "repeated": (
        rows(1, 2, 3, 4, 2),
        {"duplicates": 1},
        {"order_id": 2, "key": "key-2", "partition": 0, "offset": 2},
    ),
    "swapped": (
        rows(1, 2, 3, 4, 5, 11, 6, 7, 8, 9, 10),
        {"out_of_order": 1},
        {"order_id": 6, "key": "key-1", "partition": 1, "offset": 3, "after": 11},
    ),
    "garbage": (
        [*rows(1, 2), Row(0, b"k", b"\xff{"), *rows(3)],
        {"unreadable": 1},
        {"partition": 0, "offset": 1},
    ),
    "tombstone": (
        [*rows(1), Row(1, b"k", None)],
        {"unreadable": 1},
        {"partition": 1, "offset": 1, "reason": "null value (a tombstone)"},
    ),
    "empty": ([*rows(1), Row(1, b"k", b"")], {"unreadable": 1}, {"offset": 1}),
    "beyond 64 bits": ([*rows(1), Row(1, b"k", ticket(2**63))], {"unreadable": 1}, {}),
}


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_fault_is_found_counted_and_named(
    kafka: Broker, topic: str, command: Start, what: str
) -> None:
    records, wrong, evidence = PLANTED[what]
    write(kafka, topic, records)
    asked = ["--topic", topic, "--bootstrap-servers", kafka.bootstrap]
    verifying = command("verify", *asked, "--json").expect(7)
    found = verifying.json()
    assert found["ok"] is False
    kinds = ("lost", "duplicates", "out_of_order", "unreadable")
    assert {kind: found[kind] for kind in kinds if found[kind]} == wrong
    (kind,) = wrong
    (named,) = found["evidence"][kind]
    assert evidence.items() <= named.items()
    assert named["topic"] == topic
    assert f"error: {topic}: 1 " in verifying.stderr or wrong[kind] > 1


def test_the_verdict_names_the_place_in_words(kafka: Broker, topic: str, command: Start) -> None:
    write(kafka, topic, [*rows(1, 2, 3, 5, 11, 6, 5), Row(0, None, b"[no ticket]")])
    asked = ["--topic", topic, "--bootstrap-servers", kafka.bootstrap]
    words = command("verify", *asked, environment={"COLUMNS": "200"}).expect(7).stdout
    assert f"lost: order_id 4 of run {RUN} in {topic}" in words
    assert f"lost: order_ids 7 to 10 of run {RUN} in {topic}" in words
    place = f"{topic}[1] offset 3, key 'key-1', order_id 6 of run {RUN}"
    assert f"out of order: {place} stands behind order_id 11" in words
    assert f"duplicate: {topic}[0] offset 2, key 'key-0', order_id 5 of run {RUN}" in words
    assert f"unreadable: {topic}[0] offset 3: " in words
    assert "complete" not in words


def test_an_empty_topic_proves_nothing_and_is_ok(kafka: Broker, topic: str, command: Start) -> None:
    asked = ["--topic", topic, "--bootstrap-servers", kafka.bootstrap]
    assert "nothing is proven" in command("verify", *asked).expect(0).stdout


def test_aborted_and_open_transactions_count_for_nothing(kafka: Broker, topic: str) -> None:
    aborting = write(kafka, topic, rows(1, 2, 2, 9), **{"transactional.id": f"{topic}-1"})
    aborting.abort_transaction(30)
    committing = write(kafka, topic, rows(1, 2, 3, 4), **{"transactional.id": f"{topic}-2"})
    committing.commit_transaction(30)
    still_open = write(kafka, topic, rows(3, 7), **{"transactional.id": f"{topic}-3"})
    report = verified(kafka, topic)
    still_open.abort_transaction(30)
    assert report.ok
    assert counts(report) == (4, 4, 0, 0, 0)


def test_what_is_written_meanwhile_is_left_out(kafka: Broker, topic: str) -> None:
    write(kafka, topic, rows(*range(1, 101)))
    reading = Reader(kafka_config(kafka), [topic])
    write(kafka, topic, rows(*range(101, 5001)))
    read = sum(len(records) for records in reading.batches())
    reading.close()
    assert read == 100
    assert reading.spans[Partition(topic, 0)].high == 60


def test_a_trimmed_head_is_no_loss(kafka: Broker, topic: str) -> None:
    write(kafka, topic, rows(*range(1, 101)))
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    bounds = [TopicPartition(topic, 0, 6), TopicPartition(topic, 1, 4)]  # both: order_ids 1 to 10
    for done in admin.delete_records(bounds).values():
        done.result(30)
    report = verified(kafka, topic)
    assert report.ok
    assert counts(report) == (90, 90, 0, 0, 0)
    assert report.by_run[0]["first"] == 11


def test_each_topic_is_judged_by_itself(kafka: Broker, make_topic: Callable[..., str]) -> None:
    clean, dirty = make_topic(2), make_topic(2)
    write(kafka, clean, rows(1, 2, 3))
    write(kafka, dirty, rows(1, 3, 2))
    report = verified(kafka, clean, dirty)
    assert counts(report) == (6, 6, 0, 0, 0)
    write(kafka, dirty, rows(6, 8))
    report = verified(kafka, clean, dirty)
    assert counts(report) == (11, 8, 3, 0, 0)
    assert {gap["topic"] for gap in report.evidence["lost"]} == {dirty}


def test_one_run_among_others(kafka: Broker, topic: str) -> None:
    others = [row(order_id, "ffff0000") for order_id in (1, 5, 5)]
    write(kafka, topic, [*others, *rows(1, 2, 3), Row(0, b"k", b"garbage")])
    assert not verified(kafka, topic).ok
    report = verified(kafka, topic, run=RUN)
    assert report.ok
    assert (report.processed, report.unreadable, report.records) == (3, 1, 7)
    assert not verified(kafka, topic, run="00000000").ok


def test_tickets_of_another_program_are_one_run(kafka: Broker, topic: str) -> None:
    write(kafka, topic, [row(order_id, None) for order_id in (1001, 1002, 1004, 1004)])
    report = verified(kafka, topic)
    assert counts(report) == (4, 3, 1, 1, 0)
    assert [run["run"] for run in report.by_run] == [""]


def test_no_group_is_joined_and_nothing_committed(kafka: Broker, topic: str) -> None:
    write(kafka, topic, rows(1, 2, 3))
    assert verified(kafka, topic).ok
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    groups = admin.list_consumer_groups().result(30).valid
    assert "ticketpool-reader" not in {group.group_id for group in groups}


def test_a_cluster_that_falls_silent_ends_the_reading(
    kafka: Broker, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(kafka, topic, rows(*range(1, 101)))
    monkeypatch.setattr(reader, "SILENCE_SECONDS", 1.0)
    reading = Reader(kafka_config(kafka), [topic])
    kafka.pause()
    with pytest.raises(BrokerUnreachable, match=rf"nothing of {topic}\[0\], {topic}\[1\]"):
        list(reading.batches())
    kafka.resume()
    reading.close()


def test_a_missing_topic_is_a_usage_error(kafka: Broker, topic: str, command: Start) -> None:
    asked = ["--topic", topic, "--topic", "absent", "--bootstrap-servers", kafka.bootstrap]
    assert "no topic 'absent'" in command("verify", *asked).expect(2).stderr


def test_an_unreachable_broker_is_told_with_its_address(command: Start) -> None:
    verifying = command("verify", "--bootstrap-servers", "127.0.0.1:1").expect(3)
    assert "127.0.0.1:1" in verifying.stderr
    assert verifying.stdout == ""


def test_a_run_is_eight_hex_digits(command: Start) -> None:
    assert "--run 'x'" in command("verify", "--run", "x").expect(2).stderr
