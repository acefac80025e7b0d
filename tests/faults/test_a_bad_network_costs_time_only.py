"""Latency, resets, a black hole, half-open connections: the service stays up, tells it in few
lines, and goes on by itself; while it keeps its partitions nothing is repeated.

In doubt because each of them looks different to the client: an error, or nothing at all.
"""

import time
from collections.abc import Callable
from signal import SIGTERM

import pytest

from tests.broker import Broker
from tests.faults.conftest import Start, Stream
from tests.faults.judge import await_settled, held, longest_silence, noise
from tests.faults.kinds import SESSION_SECONDS
from tests.faults.proxied import kafka, proxy, way_in
from tests.faults.proxy import Proxy
from tests.run.journal import Journal
from tests.support import eventually

__all__ = ["kafka", "proxy", "way_in"]

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(150)]

ALL = set(range(8))
FLOWING = ("slow_down", "reset")
"""Under these records still come."""
Kept = Callable[..., None]


def through(proxy: Proxy) -> tuple[str, ...]:
    return ("--bootstrap-servers", proxy.address, "-X", "socket.timeout.ms=3000")


def keep_writing(stream: Stream, until: Callable[[], object], seconds: float = 40) -> None:
    def written_and_done() -> object:
        stream.write(1)
        return until()

    eventually(written_and_done, seconds=seconds, every=0.05)


def go_on(stream: Stream, journal: Journal, seconds: float = 40) -> None:
    """Everything that was written so far is done, and something more."""
    goal = stream.written + 200
    keep_writing(stream, lambda: len(journal.finished()) >= goal, seconds)


@pytest.mark.parametrize("fault", ["slow_down", "reset", "swallow", "swallow_answers", "refuse"])
def test_shorter_than_the_session(
    kafka: Broker, topic: str, group: str, journal: Journal, member: Start, stream: Stream,
    kept: Kept, proxy: Proxy, fault: str,
) -> None:  # fmt: skip
    service = member("a", *through(proxy))
    eventually(lambda: held(service) == ALL, seconds=30)
    go_on(stream, journal)
    assert proxy.connections
    began = journal.entries()[-1].at_ns
    if fault == "slow_down":
        proxy.slow_down(0.5)
    else:
        getattr(proxy, fault)()
    keep_writing(stream, lambda: longest_since(journal, began) > 2 or fault in FLOWING, 20)
    if fault in FLOWING:
        go_on(stream, journal)
    proxy.mend()
    go_on(stream, journal)
    stream.end()
    await_settled(kafka, topic, group, journal)
    assert service.events("lost") == service.events("revoked") == []
    assert len(noise(service)) < 25, noise(service)
    service.signal(SIGTERM)
    service.expect(0)
    kept(twice=())


def longest_since(journal: Journal, began: int) -> float:
    """How long ago the last record was finished, after that moment, in seconds."""
    return longest_silence(journal.entries("end"), began, time.monotonic_ns())


@pytest.mark.parametrize("fault", ["swallow", "refuse"])
def test_longer_than_the_session_another_member_serves_meanwhile(
    kafka: Broker, topic: str, group: str, journal: Journal, member: Start, stream: Stream,
    kept: Kept, proxy: Proxy, fault: str,
) -> None:  # fmt: skip
    cut_off = member("a", *through(proxy), "--drain-timeout", "3")
    cut_off.await_event("ready")
    other = member("b")
    eventually(lambda: len(held(cut_off)) == len(held(other)) == 4, seconds=40)
    go_on(stream, journal)
    getattr(proxy, fault)()
    keep_writing(stream, lambda: held(other) == ALL, SESSION_SECONDS + 20)
    go_on(stream, journal)
    proxy.mend()
    keep_writing(stream, lambda: len(held(cut_off)) == len(held(other)) == 4, 60)
    go_on(stream, journal)
    stream.end()
    await_settled(kafka, topic, group, journal)
    assert len(noise(cut_off)) < 40, noise(cut_off)
    for service in (cut_off, other):
        service.signal(SIGTERM)
        service.expect(0)
    kept(twice=None)
