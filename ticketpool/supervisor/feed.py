"""What a worker is sent of a chunk: the columns that its handler wants."""

from ticketpool.core.flow import Limits
from ticketpool.core.lane import Lane
from ticketpool.core.ledger import Chunk
from ticketpool.core.parking import Waiting
from ticketpool.ipc.frames import Open, Records


def frame_of(lane: Lane, chunk: Chunk, limits: Limits, *, whole: bool) -> Records:
    """The chunk's records for the lane's worker; ``whole``: not their values alone."""
    records = chunk.records
    kind = type(records[0])  # its methods, called by map: the loop over records is C's
    values = list(map(kind.value, records))
    sparse = [] if isinstance(chunk.offsets, range) else list(chunk.offsets)
    head = (lane.number, chunk.offsets[0], sparse, values)
    tail = (_attempts(lane, chunk.offsets[0]), _is_all_for_now(lane, limits), _news(lane))
    if not whole:
        return Records(*head, [], [], [], *tail)
    return Records(
        *head,
        list(map(kind.key, records)),
        [headers or () for headers in map(kind.headers, records)],  # type: ignore[misc]
        [time for _, time in map(kind.timestamp, records)],
        *tail,
    )


def open_of(lane: Lane) -> Open:
    """What the lane's worker is told of it first."""
    topic, number = lane.partition
    if lane.parking is None:
        return Open(lane.number, topic, number, lane.index)
    lane.parking.stale = False
    return Open(lane.number, topic, number, lane.index, lane.parking.current.waiting())


def _news(lane: Lane) -> list[Waiting] | None:
    """The parked keys, where the worker does not know them: a record was given up unrun."""
    if lane.parking is None or not lane.parking.stale:
        return None
    lane.parking.stale = False
    return lane.parking.current.waiting()


def _is_all_for_now(lane: Lane, limits: Limits) -> bool:
    """Whether nothing follows before something is settled: it runs alone, is announced, or large
    records have used up the credit (by their number they can't: a batch is no larger)."""
    large = lane.ledger.in_flight_bytes >= limits.window_bytes
    return large or lane.watched > 0 or lane.alone or lane.suspect


def _attempts(lane: Lane, offset: int) -> int:
    """Calls that were made with the record before, by this or an earlier process."""
    trouble = lane.trouble
    return trouble.attempts if trouble is not None and trouble.offset == offset else 0
