"""However a run ends early, its order_ids are 1 to N and all that was begun is delivered.

In doubt because the processes are never equally far when the signal comes.
"""

import signal
from collections.abc import Callable

import psutil
import pytest

from tests.broker import Broker
from tests.produce.topics import assert_exact, read
from tests.support import Command, eventually

pytestmark = pytest.mark.e2e

Start = Callable[..., Command]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("rate", ["0", "300"])
def test_a_signal_flushes_and_exits_with_0(
    kafka: Broker, topic: str, command: Start, number: signal.Signals, rate: str
) -> None:
    run = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--rate", rate,
        "--workers", "3", "--keys", "7", "--size", "120", "--json",
    )  # fmt: skip
    _await_tickets(kafka, topic)
    run.signal(number)
    summary = run.expect(0).json()
    written = read(kafka.bootstrap, topic)
    assert (summary["ok"], summary["failed"]) == (True, 0)
    assert len(written) == summary["delivered"] > 0
    assert_exact(written, keys=7)


def _await_tickets(kafka: Broker, topic: str) -> None:
    eventually(lambda: read(kafka.bootstrap, topic), seconds=20)


def test_a_duration_ends_a_run_at_full_speed(kafka: Broker, topic: str, command: Start) -> None:
    run = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--rate", "0",
        "--duration", "0.5", "--workers", "2", "--keys", "5", "--json",
    )  # fmt: skip
    summary = run.expect(0).json()
    written = read(kafka.bootstrap, topic)
    assert len(written) == summary["delivered"] > 0
    assert_exact(written, keys=5)


def test_a_signal_before_the_first_ticket_is_a_clean_end(
    kafka: Broker, topic: str, command: Start
) -> None:
    run = command("produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--json")
    run.await_event("producing")
    run.signal(signal.SIGINT)
    summary = run.expect(0).json()
    assert len(read(kafka.bootstrap, topic)) == summary["delivered"]
    assert summary["failed"] == 0


def test_a_second_signal_stops_at_once(kafka: Broker, topic: str, command: Start) -> None:
    run = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--rate", "500",
        "--workers", "2", "--json",
    )  # fmt: skip
    _await_tickets(kafka, topic)
    kafka.pause()
    run.signal(signal.SIGINT)
    run.await_event("stopping")
    assert run.running  # it waits for the broker
    run.signal(signal.SIGINT)
    summary = run.expect(7, seconds=5).json()
    assert not summary["ok"]
    assert summary["failed"] > 0


def test_killing_the_command_ends_its_processes(kafka: Broker, topic: str, command: Start) -> None:
    run = command("produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic,
                  "--workers", "2")  # fmt: skip
    run.await_event("producing")
    children = run.children()
    assert len(children) == 2
    run.signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(children, timeout=3)
    assert not alive
