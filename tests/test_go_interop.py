"""Tickets cross between Go and Python unharmed, in both directions, through a real Kafka.

In doubt once: Go writes nanoseconds, zones and escapes that Python's datetime and
JSON do not have, and 64-bit integers that a float would round.
"""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from tests.broker import Broker
from tests.support import Command, missing
from ticketpool import Ticket

SOURCE = Path(__file__).parent / "go"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COUNT, KEYS = 60, 7

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # the first build compiles Sarama


class Line(msgspec.Struct):
    """What the Go program tells about a ticket that it wrote or read."""

    partition: int
    offset: int
    key: str
    id: str
    unix_nano: int
    order_id: int
    data: str


class Go:
    """The program in tests/go, built."""

    def __init__(self, program: Path, bootstrap: str) -> None:
        self._program = program
        self._bootstrap = bootstrap

    def produce(self, topic: str, count: int, keys: int) -> list[Line]:
        """Write tickets with Sarama's default partitioner; tells what was written."""
        return self._run("produce", topic, count, keys)

    def consume(self, topic: str, count: int) -> list[Line]:
        """Read that many tickets from the start of all partitions."""
        return self._run("consume", topic, count)

    def _run(self, command: str, topic: str, *numbers: int) -> list[Line]:
        line = [str(self._program), command, self._bootstrap, topic, *map(str, numbers)]
        done = subprocess.run(line, capture_output=True, text=True, timeout=90)
        assert done.returncode == 0, done.stderr
        return [msgspec.json.decode(text, type=Line) for text in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def go(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Go:
    compiler = shutil.which("go")
    if compiler is None:
        missing("Go", "apt-get install golang")
    program = tmp_path_factory.mktemp("go") / "interop"
    build = [compiler, "build", "-mod=readonly", "-buildvcs=false", "-o", str(program), "."]
    done = subprocess.run(build, cwd=SOURCE, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return Go(program, kafka.bootstrap)


def read(kafka: Broker, topic: str, partitions: Sequence[int], count: int) -> list[Message]:
    """That many records from the start of these partitions."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "reader"})
    try:
        consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        return consumer.consume(count, timeout=30)
    finally:
        consumer.close()


def assert_same(ticket: Ticket, line: Line) -> None:
    """Everything exact; the timestamp rounded to the nearest microsecond."""
    assert (ticket.id, ticket.order_id, ticket.data) == (line.id, line.order_id, line.data)
    nanos = (ticket.timestamp - EPOCH) // timedelta(microseconds=1) * 1000
    assert abs(nanos - line.unix_nano) <= 500, (ticket.timestamp, line.unix_nano)


def test_tickets_of_go_are_read(kafka: Broker, topic: str, go: Go) -> None:
    lines = {(line.partition, line.offset): line for line in go.produce(topic, COUNT, KEYS)}
    messages = read(kafka, topic, range(8), COUNT)
    assert len(messages) == len(lines) == COUNT
    for message in messages:
        line = lines[message.partition() or 0, message.offset() or 0]
        assert message.key() == line.key.encode()
        assert_same(msgspec.json.decode(message.value() or b"", type=Ticket), line)


def test_the_tickets_of_go_reach_the_edges(topic: str, go: Go) -> None:
    lines = go.produce(topic, COUNT, KEYS)
    orders = [line.order_id for line in lines]
    assert orders == sorted(set(orders))
    assert orders[0] == -(2**63)
    assert orders[-1] > 2**62
    assert {line.unix_nano % 1000 for line in lines} > {0, 1, 499, 500, 501, 999}


def sample(number: int) -> Ticket:
    zones = [UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-11))]
    micros = [0, 1, 100_000, 999_999, 123_456]
    texts = ["", "plain", '<a href="x">&amp;</a>', "zażółć 🎫", "line\nbreak\t\u2028\x00"]
    at = datetime(2024, 2, 29, 23, 59, 59, micros[number % 5], tzinfo=zones[number % 3])
    orders = [-(2**63), -1, 0, 2**53 + 1, 2**63 - 1]
    return Ticket(
        id=f"py-{number}", timestamp=at, order_id=orders[number % 5], data=texts[number % 5]
    )


def test_tickets_of_ours_are_read_by_go(kafka: Broker, topic: str, go: Go) -> None:
    tickets = {f"py-{number}": sample(number) for number in range(COUNT)}
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    for ticket in tickets.values():
        producer.produce(topic, msgspec.json.encode(ticket), key=ticket.id)
    assert producer.flush(30) == 0
    lines = go.consume(topic, COUNT)
    assert {line.id for line in lines} == tickets.keys()
    for line in lines:
        assert line.key == line.id
        assert_same(tickets[line.id], line)
        assert line.unix_nano % 1000 == 0


@pytest.mark.e2e
def test_tickets_of_go_are_processed(
    kafka: Broker, topic: str, group: str, go: Go, command: Callable[..., Command], tmp_path: Path
) -> None:
    (tmp_path / "handlers.py").write_text(HANDLER)
    lines = {(line.partition, line.offset): line for line in go.produce(topic, COUNT, KEYS)}
    service = command(
        "run", "handlers:show", "--bootstrap-servers", kafka.bootstrap, "--topic", topic,
        "--group", group, "--workers", "2", "--http", "off", "--until-caught-up",
    ).expect(0)  # fmt: skip
    shown = msgspec.json.Decoder(Shown).decode_lines(service.stdout)
    assert {(one.partition, one.offset) for one in shown} == lines.keys()
    assert len(shown) == COUNT
    for one in shown:
        line = lines[one.partition, one.offset]
        assert one.key == line.key
        assert_same(one.ticket, line)


class Shown(msgspec.Struct):
    """What the handler below writes about a ticket."""

    partition: int
    offset: int
    key: str
    ticket: Ticket


HANDLER = """
import os
import msgspec
from ticketpool import Context, Ticket

def show(ticket: Ticket, context: Context) -> None:
    shown = {"partition": context.partition, "offset": context.offset,
             "key": context.key.decode(), "ticket": ticket}
    os.write(1, msgspec.json.encode(shown) + b"\\n")  # at once: lanes share the file
"""


@pytest.mark.e2e
def test_tickets_that_produce_writes_are_read_by_go(
    kafka: Broker, topic: str, go: Go, command: Callable[..., Command]
) -> None:
    command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--rate", "0",
        "--count", str(COUNT), "--keys", str(KEYS), "--workers", "2",
    ).expect(0)  # fmt: skip
    lines = {(line.partition, line.offset): line for line in go.consume(topic, COUNT)}
    messages = read(kafka, topic, range(8), COUNT)
    assert sorted(line.order_id for line in lines.values()) == list(range(1, COUNT + 1))
    for message in messages:
        line = lines[message.partition() or 0, message.offset() or 0]
        assert message.key() == line.key.encode()
        assert_same(msgspec.json.decode(message.value() or b"", type=Ticket), line)
