"""A run's order_ids are 1 to N, once each, rising per key, each key in one partition.

In doubt because several processes write at once, each its own share, and because
librdkafka goes on behind a record that finds its local queue full.
"""

from collections.abc import Callable

import msgspec
import pytest

from tests.broker import Broker
from tests.produce.topics import assert_exact, read
from tests.support import Command

pytestmark = pytest.mark.e2e

Start = Callable[..., Command]


@pytest.mark.parametrize(("workers", "keys"), [(1, 1), (2, 17), (3, 500), (4, 3)])
def test_full_speed(kafka: Broker, topic: str, command: Start, workers: int, keys: int) -> None:
    run = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--rate", "0",
        "--count", "20000", "--workers", str(workers), "--keys", str(keys), "--json",
    ).expect(0)  # fmt: skip
    summary = run.json()
    written = read(kafka.bootstrap, topic)
    assert (summary["ok"], summary["delivered"], summary["failed"]) == (True, 20_000, 0)
    assert len(written) == 20_000
    assert_exact(written, keys=keys)
    assert {w.ticket.id for w in written} == {f"{summary['run']}-{i + 1}" for i in range(20_000)}


def test_a_full_local_queue_waits_and_loses_nothing(
    kafka: Broker, topic: str, command: Start
) -> None:
    command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--rate", "0",
        "--count", "5000", "--workers", "2", "--keys", "40", "-X", "linger.ms=0",
        "-X", "queue.buffering.max.messages=20",
    ).expect(0)  # fmt: skip
    written = read(kafka.bootstrap, topic)
    assert len(written) == 5000
    assert_exact(written, keys=40)


@pytest.mark.parametrize("size", [150, 1000, 100_000])
def test_tickets_are_about_as_long_as_asked(
    kafka: Broker, topic: str, command: Start, size: int
) -> None:
    command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--rate", "0",
        "--count", "50", "--size", str(size),
    ).expect(0)  # fmt: skip
    for each in read(kafka.bootstrap, topic):
        assert abs(len(msgspec.json.encode(each.ticket)) - size) <= 12
