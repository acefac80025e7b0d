"""A record that waits for its next attempt longer than ``max.poll.interval.ms`` costs neither
the group's trust nor its place.

In doubt because in a client that runs handlers between its polls, such a wait is an eviction:
the record goes to another member, which waits too.
"""

from collections.abc import Callable
from signal import SIGTERM

import pytest

from tests.broker import Broker
from tests.faults.conftest import Start
from tests.faults.judge import await_settled
from tests.faults.kinds import KINDS, Kind
from tests.run.journal import Journal
from tests.run.topics import tickets, write
from tests.support import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest.mark.parametrize(
    "deeds",
    [
        pytest.param(["raise-before 2"], id="waits"),
        pytest.param(["sleep 12"], id="works", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(KINDS["cooperative-sticky-dynamic"], id="cooperative-sticky"),
        pytest.param(KINDS["range-dynamic"], id="range", marks=pytest.mark.slow),
        pytest.param(KINDS["consumer-dynamic"], id="consumer", marks=pytest.mark.slow),
    ],
)
def test_longer_than_the_poll_interval(
    kafka: Broker, make_topic: Callable[..., str], group: str, journal: Journal, member: Start,
    kept: Callable[..., None], kind: Kind, deeds: list[str],
) -> None:  # fmt: skip
    topic = make_topic(2)
    write(kafka, topic, [*tickets(0, [*deeds, ""]), *tickets(1, [""])])
    options = ("-X", "max.poll.interval.ms=6000", "--backoff", "18", "--backoff-max", "18")
    service = member("a", *options, kind=kind, of=topic)
    eventually(lambda: len(journal.entries("begin")) == 2, seconds=30)
    write(kafka, topic, tickets(1, [""] * 20))
    eventually(lambda: len(journal.of(1, "end")) == 21, seconds=10)
    assert journal.of(0, "end") == []  # the others don't wait for it
    await_settled(kafka, topic, group, journal)
    begun = journal.of(0, "begin")
    if deeds == ["raise-before 2"]:
        assert begun[1].at_ns - begun[0].at_ns > 8.9 * 10**9  # jitter takes half at most
    assert service.events("revoked") == service.events("lost") == []
    service.signal(SIGTERM)
    service.expect(0)
    kept(topic, twice=())
