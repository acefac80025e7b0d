"""What the cluster holds after a run, read back through the reader of ``ticketpool verify``."""

import msgspec

from ticketpool.config import KafkaConfig
from ticketpool.core.model import RawRecord, Ticket
from ticketpool.demo.judge import Stood
from ticketpool.kafka.reader import Reader, committed


def read_back(kafka: KafkaConfig, topic: str) -> list[Stood]:
    """All tickets of a topic. Raises as ``Reader`` does, and on a record that is no ticket."""
    reader = Reader(kafka, [topic])
    try:
        return [_stood(record) for records in reader.batches() for record in records]
    finally:
        reader.close()


def _stood(record: RawRecord) -> Stood:
    ticket = msgspec.json.decode(record.value() or b"", type=Ticket)
    return Stood(
        partition=record.partition() or 0,
        offset=record.offset() or 0,
        order_id=ticket.order_id,
        id=ticket.id,
        key=record.key(),
    )


def uncommitted(kafka: KafkaConfig, topic: str, group: str) -> int:
    """How many records of a topic stand behind the group's committed offsets."""
    reader = Reader(kafka, [topic])
    spans = reader.spans
    reader.close()
    offsets = committed(kafka, group, spans)
    return sum(span.high - offsets.get(place, span.low) for place, span in spans.items())
