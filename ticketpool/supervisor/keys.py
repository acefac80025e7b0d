"""The truth about parked keys: what the lanes tell of them, in the ledgers' order."""

from collections.abc import Sequence

from ticketpool import log
from ticketpool.config import RunConfig
from ticketpool.core.lane import Lane
from ticketpool.core.model import RawRecord
from ticketpool.core.parking import Fate
from ticketpool.errors import StoppedByPolicy
from ticketpool.ipc.frames import Dead

_log = log.get("ticketpool.supervisor")


class Keys:
    """*Supervisor side.* Keeps ``Lane.parking`` with ``--park-keys``; does nothing without."""

    def __init__(self, config: RunConfig) -> None:
        self._most = config.max_parked_keys

    def passed(self, lane: Lane, offsets: Sequence[int]) -> None:
        """The records in flight there are handled, and others have waited for them. Call
        before they are settled."""
        for offset in offsets:
            self._note(lane, offset, lane.ledger.in_flight_record(offset), Fate.HANDLED)

    def died(self, lane: Lane, dead: Dead, record: RawRecord) -> int | None:
        """A record is dead, or parked. Call before its letter is written.

        Returns:
            The first offset of the record that it follows; ``None``: it follows none.

        Raises:
            StoppedByPolicy: too many keys would be parked; nothing was noted.
        """
        if lane.parking is None:
            return None
        now, key = lane.parking.current, record.key()
        follows = now.follows(key, dead.offset, record.headers() or ())
        if len(now) >= self._most and key is not None and key not in now:
            raise StoppedByPolicy(
                f"{lane.partition} offset {dead.offset} failed ({dead.error}: {dead.message}), and "
                f"{len(now)} keys are parked there already (--max-parked-keys); stopped, it will "
                "be delivered again. Mend the cause, then raise the limit (100 at most) so that "
                "`ticketpool dlq replay` can free them, or run without --park-keys, which "
                "forgets them"
            )
        self._note(lane, dead.offset, record, Fate.DIED if dead.attempts else Fate.PARKED)
        return follows if not dead.attempts else None

    def _note(self, lane: Lane, offset: int, record: RawRecord, fate: Fate) -> None:
        if lane.parking is None:
            return
        before = len(lane.parking.current)
        lane.parking.note(record.key(), offset, record.headers() or (), fate)
        after = len(lane.parking.current)
        if after != before:
            _log.info(
                "key parked" if after > before else "key free again",
                topic=lane.partition.topic,
                partition=lane.partition.number,
                offset=offset,
                parked_keys=after,
            )
