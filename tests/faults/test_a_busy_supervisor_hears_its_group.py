"""A supervisor that has more than enough to do takes part in its group's rebalances at once.

In doubt because it asks Kafka for no more while its buffers are full: librdkafka's queue holds
thousands of records then, before which a rebalance must be told (its rd_kafka_rebalance_op
pauses what is assigned meanwhile, and other callbacks come with a higher priority).
"""

from signal import SIGTERM

import pytest

from tests.broker import Broker
from tests.faults.conftest import Start
from tests.faults.judge import held, repeated
from tests.faults.kinds import KINDS, Kind
from tests.run.journal import Journal
from tests.run.topics import tickets, write
from tests.support import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

BACKLOG = 8000  # for each partition: more than buffer and window of a lane hold
SECONDS = 8.0  # to start, to join, to drain one record of 10 ms; a poll of one record each 100 ms
# would take minutes to come past what is queued


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(KINDS["cooperative-sticky-dynamic"], id="cooperative-sticky"),
        pytest.param(KINDS["range-dynamic"], id="range", marks=pytest.mark.slow),
        pytest.param(KINDS["consumer-dynamic"], id="consumer", marks=pytest.mark.slow),
    ],
)
def test_a_second_member_gets_its_share(
    kafka: Broker, topic: str, member: Start, journal: Journal, kind: Kind
) -> None:
    write(kafka, topic, [t for p in range(8) for t in tickets(p, ["sleep 0.01"] * BACKLOG)])
    first = member("a", kind=kind)
    first.await_event("ready")
    eventually(lambda: journal.count() > 800)  # its buffers are full by then
    second = member("b", kind=kind)
    second.await_event("ready")
    eventually(lambda: len(held(first)) == len(held(second)) == 4, seconds=SECONDS)
    at = journal.count()
    eventually(lambda: journal.count() > at + 400)
    for service in (first, second):
        service.signal(SIGTERM)
    for service in (first, second):
        service.expect(0)
    assert repeated(journal) == set()
