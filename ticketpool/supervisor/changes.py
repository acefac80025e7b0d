"""What the log says of a partition that does not get on, and when it does again."""

from collections.abc import Collection

from ticketpool import log
from ticketpool.core.lane import Lane
from ticketpool.core.model import Partition
from ticketpool.supervisor.lookout import Outlook
from ticketpool.supervisor.naming import where

_TOLD = {"stop", "stall", "blocked"}  # warn and rewind are about speed, and the past

_log = log.get("ticketpool.supervisor")


class Changes:
    """*Supervisor side.* A line for each change, not for each snapshot: whoever reads only the
    log learns the same as from the status."""

    def __init__(self) -> None:
        self._told: dict[Partition, tuple[str, str]] = {}

    def note(self, lane: Lane, outlook: Outlook) -> None:
        """How the lane's partition fares now."""
        before, now = self._told.get(lane.partition), _standing(outlook)
        if now == before:
            return
        if now is None:
            del self._told[lane.partition]
            _log.info("partition goes on", **where(lane), position=outlook.position)
        else:
            self._told[lane.partition] = now
            _tell(lane, outlook)

    def keep(self, partitions: Collection[Partition]) -> None:
        """What is not among them was given up."""
        for gone in self._told.keys() - set(partitions):
            del self._told[gone]


def _standing(outlook: Outlook) -> tuple[str, str] | None:
    if outlook.state not in _TOLD:
        return None
    return outlook.state, outlook.blame.kind if outlook.blame is not None else ""


def _tell(lane: Lane, outlook: Outlook) -> None:
    blame = outlook.blame
    why = {"reason": blame.reason, "mend": blame.remedy} if blame is not None else {}
    at = {"offset": blame.offset} if blame is not None and blame.offset is not None else {}
    _log.warning(
        "partition does not get on",
        **where(lane),
        **at,
        state=outlook.state,
        lag=outlook.lag,
        **why,
    )
