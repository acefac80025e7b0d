"""A broker that stops, dies, or freezes, for shorter or longer than a session: members stay up,
tell it in few lines, commit what they may and go on by themselves.

In doubt because a frozen broker gives no error at all, and because after a blackout the
group has forgotten its members while they still hold their partitions. (One member and a
clean or killed broker: tests/run/test_a_lost_broker_is_waited_for.py.)
"""

import time
from collections.abc import Callable
from signal import SIGTERM

import pytest

from tests.broker import Broker
from tests.faults.conftest import Start, Stream
from tests.faults.judge import await_settled, held, noise, repetitions
from tests.faults.kinds import KINDS, SESSION_SECONDS, Kind
from tests.run.journal import Entry, Journal
from tests.support import Command, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

Kept = Callable[..., None]
SHORT, LONG = SESSION_SECONDS / 2, SESSION_SECONDS * 2


def blackout(kafka: Broker, how: str, seconds: float) -> float:
    """The broker is away for so long, at least; for how long."""
    began = time.monotonic()
    getattr(kafka, how)()
    eventually(lambda: time.monotonic() > began + seconds, seconds=seconds + 5)
    kafka.restore()
    return time.monotonic() - began


def done_by_all(journal: Journal, since: int) -> bool:
    """Every partition has finished a record since."""
    return {e.partition for e in journal.entries("end") if e.at_ns > since} == set(range(8))


@pytest.mark.parametrize(
    ("how", "seconds", "kind"),
    [
        pytest.param("pause", SHORT, "cooperative-sticky-dynamic", id="frozen-short",
                     marks=pytest.mark.slow),
        pytest.param("pause", 10, "cooperative-sticky-dynamic", id="frozen-10s",
                     marks=pytest.mark.slow),
        pytest.param("pause", 10, "range-dynamic", id="frozen-range", marks=pytest.mark.slow),
        pytest.param("pause", 10, "consumer-dynamic", id="frozen-consumer",
                     marks=pytest.mark.slow),
        pytest.param("kill", SHORT, "cooperative-sticky-dynamic", id="killed-short",
                     marks=pytest.mark.slow),
        pytest.param("kill", LONG, "cooperative-sticky-dynamic", id="killed-long",
                     marks=pytest.mark.slow),
        pytest.param("stop", LONG, "cooperative-sticky-static", id="stopped-long-static",
                     marks=pytest.mark.slow),
        pytest.param("stop", LONG, "consumer-dynamic", id="stopped-long-consumer",
                     marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_two_members_go_on_after_it(
    kafka: Broker, topic: str, group: str, journal: Journal, member: Start, stream: Stream,
    kept: Kept, how: str, seconds: float, kind: str,
    note: Callable[[str, object], None],
) -> None:  # fmt: skip
    members = two(member, KINDS[kind])
    stream.write(300)
    eventually(lambda: journal.count() > 800, seconds=30)
    went = time.monotonic_ns()
    away = blackout(kafka, how, seconds)
    back = time.monotonic_ns()
    stream.write(50)
    stream.end()
    eventually(lambda: done_by_all(journal, back), seconds=60)
    await_settled(kafka, topic, group, journal)
    note("repeated", sum(repetitions(journal).values()))
    for service in members:
        assert len(service.events("worker started")) <= 2 + killed(service)
        assert len(noise(service)) < 40, noise(service)
        service.signal(SIGTERM)
    for service in members:
        service.expect(0)
    if away < SESSION_SECONDS - 1:  # the broker may start slowly
        kept(twice=())
    else:  # what was finished since the last commit before it: that one may be a second old;
        # a member that was given up meanwhile is told so by a heartbeat or two of its own
        told = back + SESSION_SECONDS * 10**9
        kept(twice={entry.place for entry in finished_between(journal, went - 2 * 10**9, told)})


def finished_between(journal: Journal, begin: int, end: int) -> list[Entry]:
    return [entry for entry in journal.entries("end") if begin < entry.at_ns < end]


def two(member: Start, kind: Kind) -> list[Command]:
    first = member("a", "--drain-timeout", "3", kind=kind)
    first.await_event("ready")
    second = member("b", "--drain-timeout", "3", kind=kind)
    eventually(lambda: len(held(first)) == len(held(second)) == 4, seconds=40)
    return [first, second]


def killed(service: Command) -> int:
    """Workers that were killed because their partitions were lost while they were busy."""
    return len(service.events("worker exited"))
