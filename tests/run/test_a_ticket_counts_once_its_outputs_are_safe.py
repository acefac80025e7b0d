"""What handlers send is written in order, and no ticket is committed before its outputs are.

In doubt because the handler runs in one process and another writes for it, later: both may
be killed in between, and the broker may take records, or not, whenever it likes.
"""

import os
import signal
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import pytest
from confluent_kafka import Message

from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.journal import Journal
from tests.run.listener import Listener
from tests.run.topics import Raw, committed, ends, raw_headers, read, ticket, tickets, write
from tests.support import Command, eventually

pytestmark = pytest.mark.e2e

Make = Callable[..., str]

Promise = tuple[str, ...]

WAITS = "output not written, the partition waits"
EXACTLY = ("--exactly-once",)
least_and_exactly = pytest.mark.parametrize("promise", [(), EXACTLY], ids=["least", "exactly"])


class Sent(NamedTuple):
    """What ``sending`` sends for a ticket."""

    partition: int
    offset: int
    attempt: int


def outputs(kafka: Broker, topic: str) -> list[Sent]:
    """What has been written, in the order of the log of each partition."""
    return [_sent(message) for message in read(kafka, topic)]


def _sent(message: Message) -> Sent:
    fields = msgspec.json.decode(message.value() or b"", type=dict[str, int])
    assert message.key() == str(fields["partition"]).encode()
    assert raw_headers(message) == [("n", b"1")]
    return Sent(**fields)


def first_offsets(sent: list[Sent], partition: int) -> list[int]:
    """Of the tickets of a partition, in the order in which their outputs first appear."""
    return list(dict.fromkeys(one.offset for one in sent if one.partition == partition))


@least_and_exactly
def test_outputs_stand_in_the_order_of_their_tickets_and_failed_attempts_send_nothing(
    kafka: Broker, make_topic: Make, group: str, run: Run, promise: Promise
) -> None:
    topic, out = make_topic(3), make_topic(4)
    kafka.create_topic(f"{topic}.dlq", 1)
    deeds = [("raise-before 2" if n % 50 == 7 else "reject no" if n % 50 == 9 else "")
             for n in range(400)]  # fmt: skip
    for partition in range(3):
        write(kafka, topic, tickets(partition, deeds))
    service = run(
        "sending", topic, "--workers", "2", "--backoff", "0.01", "--until-caught-up", "--json",
        *promise,
        environment={"OUTPUTS": out},
    )  # fmt: skip
    told = service.expect(0).json()
    assert (told["processed"], told["dead_lettered"], told["retried"]) == (1176, 24, 24)
    sent = outputs(kafka, out)
    assert sorted(sent) == [
        Sent(partition, n, 2 if deed == "raise-before 2" else 1)
        for partition in range(3) for n, deed in enumerate(deeds) if deed != "reject no"
    ]  # fmt: skip
    for partition in range(3):
        offsets = first_offsets(sent, partition)
        assert offsets == sorted(offsets)
    assert committed(kafka, group, topic) == ends(kafka, topic)


@pytest.mark.parametrize("promise", [(), pytest.param(EXACTLY, marks=pytest.mark.slow)])
def test_nothing_is_committed_past_a_ticket_whose_output_is_not_written(
    kafka: Broker, make_topic: Make, group: str, run: Run, journal: Journal, promise: Promise
) -> None:
    topic = make_topic(2)
    out = f"{topic}-out"  # nobody has made it yet
    write(kafka, topic, tickets(0, [""] * 500))
    service = run(
        "sending", topic, "--workers", "1", "--commit-interval", "0.1", *promise,
        environment={"OUTPUTS": out},
    )  # fmt: skip
    told = service.await_event(WAITS)
    assert (told["topic"], told["partition"], told["output_topic"]) == (topic, 0, out)
    assert "create the topic" in told["mend"]
    eventually(lambda: len(journal.entries("end")) == 500, seconds=20)
    assert committed(kafka, group, topic) == {}
    kafka.create_topic(out, 2)
    eventually(lambda: committed(kafka, group, topic) == {0: 500}, seconds=30)
    assert first_offsets(outputs(kafka, out), 0) == list(range(500))
    service.signal(signal.SIGTERM)
    service.expect(0)


@pytest.mark.slow
@least_and_exactly
def test_what_waits_for_its_outputs_is_bounded_and_a_stop_waits_until_the_deadline(
    kafka: Broker, make_topic: Make, group: str, run: Run, journal: Journal, promise: Promise
) -> None:
    topic = make_topic(2)
    write(kafka, topic, tickets(0, [""] * 8000))
    service = run(
        "sending", topic, "--workers", "1", "--drain-timeout", "3", *promise,
        environment={"OUTPUTS": f"{topic}-out"},
    )  # fmt: skip
    service.await_event(WAITS)
    eventually(lambda: len(journal.entries("end")) >= 3000, seconds=20)
    service.signal(signal.SIGTERM)
    service.expect(6)
    assert len(journal.entries("end")) <= 5000  # a window, and the frames beyond it
    (told,) = service.events("drain deadline passed")
    assert told["unacknowledged_outputs_of"] >= 3000
    assert told["unwritten_dead_letters"] == 0
    assert committed(kafka, group, topic) == {}


@pytest.mark.parametrize("promise", [(), pytest.param(EXACTLY, marks=pytest.mark.slow)])
def test_a_ticket_whose_output_can_never_be_written_is_dead(
    kafka: Broker, make_topic: Make, group: str, run: Run, journal: Journal, promise: Promise
) -> None:
    topic, out = make_topic(1), make_topic(1, max_message_bytes="5000")
    letters = kafka.create_topic(f"{topic}.dlq", 1)
    write(kafka, topic, tickets(0, ["", "", "send 20000", "", ""]))
    service = run(
        "sending", topic, "--workers", "1", "--until-caught-up", *promise,
        environment={"OUTPUTS": out},
    )  # fmt: skip
    service.expect(0)
    (letter,) = read(kafka, letters)
    headers = dict(raw_headers(letter))
    assert headers["ticketpool-offset"] == b"2"
    assert headers["ticketpool-error"] == b"OutputRefused"
    assert out.encode() in (headers["ticketpool-message"] or b"")
    sent = set(first_offsets(outputs(kafka, out), 0))
    assert sent == {0, 1, 3, 4} if promise else {0, 1, 3, 4} <= sent
    assert committed(kafka, group, topic) == {0: 5}


@pytest.mark.timeout(120)
def test_killed_workers_and_supervisors_and_a_paused_broker_lose_and_reorder_no_output(
    kafka: Broker, make_topic: Make, group: str, run: Run, journal: Journal, listener: Listener
) -> None:
    topic, out, size = make_topic(4), make_topic(2), 700
    for partition in range(4):
        write(kafka, topic, [Raw(partition, ticket("sleep 0.002", n)) for n in range(size)])

    options = ("--workers", "2", "--http", listener.address, "-X", f"group.instance.id={group}")

    def start() -> Command:
        return run("sending", topic, *options, environment={"OUTPUTS": out})

    def handled(share: float) -> None:
        eventually(lambda: journal.count() >= 2 * 4 * size * share, seconds=30, every=0.01)

    service = start()
    for n in (1, 2, 3):
        handled(n / 8)
        kill_worker(listener, n % 2)
    kafka.pause()
    handled(0.5)  # the workers go on with what they have
    kafka.resume()
    handled(0.7)
    service.signal(signal.SIGKILL)
    service.wait(10)
    service = start()
    eventually(lambda: committed(kafka, group, topic) == ends(kafka, topic), seconds=40)
    service.signal(signal.SIGTERM)
    service.expect(0)
    assert_all_in_order(outputs(kafka, out), size)


def assert_all_in_order(sent: list[Sent], size: int) -> None:
    for partition in range(4):
        assert first_offsets(sent, partition) == list(range(size))


def kill_worker(listener: Listener, slot: int) -> None:
    pid: Any = eventually(lambda: listener.status()["workers"][slot]["pid"], seconds=20)
    os.kill(int(pid), signal.SIGKILL)
