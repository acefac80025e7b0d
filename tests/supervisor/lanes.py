"""A lane with records, for tests of what is measured of it."""

from typing import cast

from confluent_kafka import Message

from ticketpool.core.lane import Lane
from ticketpool.core.ledger import Ledger
from ticketpool.core.model import Partition, RawRecord

AT = Partition("tickets", 3)


def record(offset: int, millis: int | None) -> RawRecord:
    """``millis``: its timestamp; ``None``: it has none."""
    stamp = (0, -1) if millis is None else (1, millis)
    made = Message(topic=AT.topic, partition=AT.number, offset=offset, value=b"x", timestamp=stamp)
    return cast("RawRecord", made)


def sent(stamps: list[int | None], read_at: float) -> Lane:
    """A lane whose records were read then, and sent to its worker."""
    lane = Lane(AT, Ledger(AT, 0), slot=0, index=0)
    records = [record(offset, stamp) for offset, stamp in enumerate(stamps)]
    lane.ledger.receive(records, range(len(records)), read_at)
    assert lane.ledger.take(len(records), 1 << 20)
    return lane
