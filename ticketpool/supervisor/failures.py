"""What becomes of a record that failed for good: dead letter, skip, or stop."""

import signal

from ticketpool import log, trace
from ticketpool.config import OnFailure, RunConfig
from ticketpool.core.lane import Lane
from ticketpool.core.model import RawRecord
from ticketpool.core.policy import Breaker
from ticketpool.errors import StoppedByPolicy
from ticketpool.ipc.frames import Dead
from ticketpool.kafka.dead_letter import DeadLetters, Reason
from ticketpool.pool import Death
from ticketpool.supervisor.keys import Keys
from ticketpool.supervisor.naming import where
from ticketpool.supervisor.totals import Totals

_log = log.get("ticketpool.supervisor")


def exit_reason(death: Death) -> str:
    """How a process ended, in words."""
    killed = death.status < 0
    name = signal.Signals(-death.status).name if killed else f"exit code {death.status}"
    why = death.why or ("out of memory?" if name == "SIGKILL" else "")
    return f"{name} ({why})" if why else name


class Failures:
    """*Supervisor side.* Applies ``--on-failure``.

    A failed record is held in its ledger, so that nothing past it is
    committed before its dead letter is acknowledged.
    """

    def __init__(self, config: RunConfig, letters: DeadLetters, totals: Totals) -> None:
        self._config = config
        self._letters = letters
        self._totals = totals
        self._breaker = Breaker(config.dead_letter_limit)
        self.keys = Keys(config)
        self.stopped: StoppedByPolicy | None = None

    def finished(self, records: int, dead: int) -> None:
        """So many records are finished, so many of them dead: stop when that is too many."""
        self._breaker.note(records, dead)
        if dead and self._breaker.tripped and self.stopped is None:
            self.stopped = StoppedByPolicy(
                f"{self._breaker.dead} of the last {self._breaker.finished} records became dead "
                "letters; stopped before the whole topic does. Mend the cause (a database that is "
                "down?) or raise --dead-letter-limit"
            )

    def failed(self, lane: Lane, dead: Dead) -> None:
        """A record in flight is dead, as its worker says. Call before it is settled."""
        record, follows = lane.ledger.hold(dead.offset), None
        try:
            if self.stopped is None:
                follows = self.keys.died(lane, dead, record)
        except StoppedByPolicy as too_many:
            self.stopped = too_many
        self._give_up(lane, dead, record, follows)

    def refused(self, lane: Lane, dead: Dead) -> None:
        """A record that is held for its outputs is dead: one of them can't be written. Its key
        is not parked: the tickets behind it may be handled by now."""
        self.finished(0, 1)
        self._give_up(lane, dead, lane.ledger.held_record(dead.offset))

    def _give_up(
        self, lane: Lane, dead: Dead, record: RawRecord, follows: int | None = None
    ) -> None:
        """As the policy says. No letter is begun any more once the service is to stop: it
        would be one too many."""
        policy = OnFailure.DEAD_LETTER if dead.rejected else self._config.on_failure
        if policy is OnFailure.DEAD_LETTER and self.stopped is None:
            self._letters.write(
                self._config.dead_letter_topic_of(lane.partition.topic),
                record,
                Reason(dead.attempts, dead.error, dead.message, follows),
                lambda: self._written(lane, dead),
            )
        elif policy is OnFailure.SKIP:
            lane.ledger.release(dead.offset)
            self._totals.skipped(lane)
            trace.skipped(lane, dead.offset)
            _log.warning("skipped", **_where(lane, dead))
        else:
            self._stop(lane, dead)

    def _stop(self, lane: Lane, dead: Dead) -> None:
        """The record stays held: it is never committed, and nothing will release it."""
        lane.abandoned += 1
        lane.ledger.pin(dead.offset)
        trace.abandoned(lane)
        if self.stopped is None:
            self.stopped = StoppedByPolicy(
                f"{lane.partition} offset {dead.offset} failed after {dead.attempts} attempts "
                f"({dead.error}: {dead.message}) and --on-failure is stop; it is not committed "
                "and will be delivered again"
            )

    def _written(self, lane: Lane, dead: Dead) -> None:
        lane.ledger.release(dead.offset)
        self._totals.dead_lettered(lane)
        trace.dead_lettered(lane, dead.offset)
        topic = self._config.dead_letter_topic_of(lane.partition.topic)
        _log.warning("dead-lettered", **_where(lane, dead), dead_letter_topic=topic)

    def killed_worker(self, lane: Lane, death: Death | None) -> None:
        """The lane's next record has killed its worker too often: it is never sent again.

        ``death``: the last one; ``None`` when the commit's memo tells of the deaths.
        """
        chunk = lane.ledger.take(1, 1)
        if chunk is None:
            return
        offset = chunk.offsets[0]
        trouble = lane.in_trouble(offset)
        dead = Dead(
            offset,
            trouble.attempts + trouble.crashes,
            "WorkerDied",
            _epitaph(trouble.crashes, death),
            False,
        )
        self.failed(lane, dead)
        if lane.parking is not None:
            lane.parking.stale = True
        lane.ledger.settle(offset)
        trace.settled(lane, offset, "deaths")
        lane.progress(1)


def _epitaph(deaths: int, death: Death | None) -> str:
    text = f"the worker died {deaths} times while it ran this record"
    if death is None:
        return f"{text}; as the memo of its commit tells, the supervisor with it"
    text += f"; last: {exit_reason(death)}, peak memory {death.peak_rss_bytes >> 20} MiB"
    return f"{text}\n{death.dump}" if death.dump else text


def _where(lane: Lane, dead: Dead) -> dict[str, object]:
    return {
        **where(lane),
        "offset": dead.offset,
        "attempts": dead.attempts,
        "reason": f"{dead.error}: {dead.message}",
    }
