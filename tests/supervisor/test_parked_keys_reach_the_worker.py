"""What the supervisor parks by itself, its worker hears of with the next frame.

In doubt because the worker's lane decides by what it knows, and a record that is given up
unrun never came there.
"""

from tests.core.naive import AT, FakeRecord
from ticketpool.config import RunConfig
from ticketpool.core.flow import Limits
from ticketpool.core.lane import Lane
from ticketpool.core.ledger import Chunk, Ledger
from ticketpool.core.parking import ParkedKeys
from ticketpool.kafka.dead_letter import DeadLetters
from ticketpool.kafka.delays import Delays
from ticketpool.kafka.outlet import Outgoing
from ticketpool.supervisor.failures import Failures
from ticketpool.supervisor.feed import frame_of, open_of
from ticketpool.supervisor.totals import Totals


class Keyed(FakeRecord):
    """All of one key."""

    def key(self) -> bytes | None:
        return b"k"


class Carrier:
    """Keeps what is to be written."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.delays = Delays()

    def send(self, outgoing: Outgoing) -> None:
        self.sent.append(outgoing)

    def forget(self, origin: object) -> None: ...
    def tend(self) -> None: ...


def take(lane: Lane) -> Chunk:
    chunk = lane.ledger.take(1, 1)
    assert chunk is not None
    return chunk


def test_a_record_that_is_given_up_unrun_parks_its_key_for_the_worker_too() -> None:
    lane = Lane(AT, Ledger(AT, 0), slot=0, index=0)
    lane.ledger.receive([Keyed(0), Keyed(1), Keyed(2)], [0, 1, 2])
    assert open_of(lane).parked == []
    lane.parking = ParkedKeys()
    assert open_of(lane).parked == []
    lane.in_trouble(0).died(alone=True)
    carrier = Carrier()
    config = RunConfig(park_keys=True)
    Failures(config, DeadLetters(carrier, "g"), Totals()).killed_worker(lane, None)
    (letter,) = carrier.sent
    assert (letter.origin, letter.offset) == (AT, 0)
    first = frame_of(lane, take(lane), Limits(), whole=True)
    assert first.parked == lane.parking.current.waiting()
    assert len(first.parked) == 1
    assert frame_of(lane, take(lane), Limits(), whole=True).parked is None
    assert open_of(lane).parked == lane.parking.current.waiting()
