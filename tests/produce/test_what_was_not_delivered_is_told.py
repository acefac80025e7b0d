"""A ticket that was not delivered is counted, told with its reason, and the exit code is 7.

In doubt because librdkafka tells of failures in three ways (at once, in a report,
by an error of the whole client), and a killed process in none.
"""

import signal
from collections.abc import Callable

import pytest

from tests.broker import Broker
from tests.produce.topics import assert_exact, read
from tests.support import Command, eventually

pytestmark = pytest.mark.e2e

Start = Callable[..., Command]


def test_too_large_for_the_topic(
    kafka: Broker, make_topic: Callable[..., str], command: Start
) -> None:
    topic = make_topic(2, max_message_bytes="1000")
    run = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--rate", "0",
        "--count", "40", "--size", "5000", "--compression", "none", "--json",
    ).expect(7)  # fmt: skip
    summary = run.json()
    assert (summary["ok"], summary["delivered"], summary["failed"]) == (False, 0, 40)
    assert sum(summary["reasons"].values()) == 40
    assert "too large" in next(iter(summary["reasons"]))
    assert "too large" in run.await_event("undelivered")["reason"]


def test_too_large_for_the_client(kafka: Broker, topic: str, command: Start) -> None:
    run = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--rate", "0",
        "--count", "5", "--size", "3000", "-X", "message.max.bytes=2000", "--json",
    ).expect(7)  # fmt: skip
    assert run.json()["failed"] == 5
    assert read(kafka.bootstrap, topic) == []


def test_the_broker_stays_away_beyond_the_delivery_timeout(
    kafka: Broker, topic: str, command: Start
) -> None:
    run = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--rate", "50",
        "--delivery-timeout", "2", "--json",
    )  # fmt: skip
    eventually(lambda: read(kafka.bootstrap, topic), seconds=20)
    kafka.stop()
    run.await_event("undelivered")
    run.signal(signal.SIGINT)
    summary = run.expect(7).json()
    assert summary["failed"] > 0
    assert summary["delivered"] > 0


def test_a_broker_that_comes_back_loses_nothing_and_is_told_once(
    kafka: Broker, topic: str, command: Start
) -> None:
    run = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--rate", "100",
        "--workers", "2", "--keys", "20", "--json",
    )  # fmt: skip
    eventually(lambda: read(kafka.bootstrap, topic), seconds=20)
    kafka.stop()
    run.await_event("broker lost")
    kafka.start()
    run.await_event("broker back")
    run.signal(signal.SIGINT)
    summary = run.expect(0).json()
    written = read(kafka.bootstrap, topic)
    assert len(written) == summary["delivered"]
    assert_exact(written, keys=20)
    assert len(run.events("broker lost")) == len(run.events("broker back")) == 1


def test_a_killed_process_ends_the_run(kafka: Broker, topic: str, command: Start) -> None:
    run = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--rate", "300",
        "--workers", "3", "--keys", "30", "--json",
    )  # fmt: skip
    eventually(lambda: read(kafka.bootstrap, topic), seconds=20)
    run.children()[0].kill()
    summary = run.expect(7, seconds=15).json()
    assert run.await_event("producer process died")["status"] == -signal.SIGKILL
    assert not summary["ok"]
    assert summary["delivered"] <= len(read(kafka.bootstrap, topic))


def test_a_killed_process_while_the_broker_is_away(
    kafka: Broker, topic: str, command: Start
) -> None:
    run = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--rate", "300",
        "--workers", "2", "--delivery-timeout", "3", "--json",
    )  # fmt: skip
    eventually(lambda: read(kafka.bootstrap, topic), seconds=20)
    kafka.pause()
    run.children()[0].kill()
    summary = run.expect(7, seconds=20).json()
    assert summary["failed"] == sum(summary["reasons"].values()) > 0
