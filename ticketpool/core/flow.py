"""Flow control per partition: how much a lane may have in flight, when to pause fetching.

Pausing has a price: librdkafka throws away what it had prefetched for the
partition and fetches it again on resume (facts: rd_kafka_toppar_pause_resume).
So a buffer of our own absorbs bursts, and pause and resume are far apart; and as long
as every lane has enough to go on with, Kafka is not asked for more at all: what
librdkafka holds, it holds for later, and throws nothing away.
"""

import msgspec

from ticketpool.core.ledger import Ledger

RECORD_BYTES = 350
"""What a polled record takes beside its value: the client's object, its key, its offset."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one lane.

    Attributes:
        batch_records, batch_bytes: of one frame; 1,000 records keep caches warm.
        first_records: of a lane's first frame, before anything of it is settled.
        watched_records: after a supervisor's death, how many leave in such frames, each
            announced in a commit; it may have died far beyond what it had committed.
        window_records, window_bytes: sent and not settled, with the outputs that are not
            acknowledged; below both, one more whole frame may be sent.
        buffer_records, buffer_bytes: read and not sent; pause above, resume below a quarter.
    """

    batch_records: int = 1000
    first_records: int = 100
    watched_records: int = 100_000  # some seconds at full speed: more than a commit interval
    batch_bytes: int = 1 << 20
    window_records: int = 3000
    window_bytes: int = 4 << 20
    buffer_records: int = 20_000
    buffer_bytes: int = 8 << 20

    def shared_by(self, partitions: int, total_bytes: int) -> "Limits":
        """The same limits, with the buffers of all partitions within ``total_bytes``."""
        fair = max(total_bytes // max(partitions, 1), 64 << 10)
        return msgspec.structs.replace(
            self,
            buffer_bytes=min(self.buffer_bytes, fair),
            buffer_records=min(self.buffer_records, fair // RECORD_BYTES),
        )


def may_send(ledger: Ledger, limits: Limits) -> bool:
    """Whether the lane has records to send and credit left. What was finished behind a held
    record uses credit too: it can't be committed yet, and a crash would repeat it."""
    return bool(
        ledger.buffered
        and ledger.in_flight + ledger.exposed < limits.window_records
        and ledger.in_flight_bytes + ledger.output_bytes < limits.window_bytes
    )


def should_pause(ledger: Ledger, limits: Limits) -> bool:
    """Whether the buffer is full."""
    return ledger.buffered >= limits.buffer_records or ledger.buffered_bytes >= limits.buffer_bytes


def should_resume(ledger: Ledger, limits: Limits) -> bool:
    """Whether the buffer has drained below a quarter of what pauses it: what a pause throws
    away is fetched again, so the fewer the better."""
    return (
        ledger.buffered * 4 < limits.buffer_records
        and ledger.buffered_bytes * 4 < limits.buffer_bytes
    )


def is_hungry(ledger: Ledger, limits: Limits) -> bool:
    """Whether it could not fill a frame, and may buffer more."""
    return ledger.buffered < limits.batch_records and should_resume(ledger, limits)
