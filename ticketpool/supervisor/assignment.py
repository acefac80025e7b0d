"""Partitions come and go: opened, drained and committed, or fenced and forgotten."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from ticketpool import crash, log, trace
from ticketpool.config import OnOutOfRange, RunConfig
from ticketpool.core.lane import Lane, LaneState
from ticketpool.core.model import Partition
from ticketpool.core.parking import ParkedKeys
from ticketpool.core.router import Router
from ticketpool.core.trouble import Position
from ticketpool.kafka.consumer import GroupConsumer
from ticketpool.kafka.listener import Outcome, Start
from ticketpool.kafka.transactions import Transactions
from ticketpool.supervisor.crew import Crew
from ticketpool.supervisor.naming import where
from ticketpool.supervisor.signals import StopSignals
from ticketpool.supervisor.totals import Totals

_log = log.get("ticketpool.supervisor")


class Assignment:
    """*Supervisor side.* The consumer's ``Listener``.

    Attributes:
        arrived: whether a first assignment has come, be it empty.
        events: assignments, revocations and losses so far, by kind.
        cut_off: partitions whose handler had to be killed at a drain's deadline.
    """

    def __init__(
        self,
        config: RunConfig,
        router: Router,
        crew: Crew,
        totals: Totals,
        signals: StopSignals,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.consumer: GroupConsumer  # see ``connect``
        self.transactions: Transactions | None = None  # commits in its place (--exactly-once)
        self.arrived = False
        self.events: Counter[str] = Counter()
        self.commits = self.commit_failures = 0
        self.cut_off = 0
        self._router = router
        self._crew = crew
        self._totals = totals
        self._signals = signals
        self._asked = False  # a commit is on its way
        self._drain_seconds = config.drain_seconds
        self._on_out_of_range, self._park_keys = config.on_out_of_range, config.park_keys
        self._clock = clock

    def connect(self, config: RunConfig, transactions: Transactions | None) -> GroupConsumer:
        """Make the consumer that tells us; each needs the other. It has joined nothing yet."""
        self.consumer = GroupConsumer(
            config.kafka,
            group=config.group,
            assignor=config.assignor,
            offset_reset=config.offset_reset,
            find_end=config.until_caught_up,
            listener=self,
        )
        self.transactions = transactions
        if transactions is not None:
            transactions.open(self, self.consumer.membership)
        return self.consumer

    # -- called by the consumer, inside poll ---------------------------------------------

    def waiting(self) -> None:
        """Tell the watchdog that we live."""
        self._crew.on_wait()

    def assigned(self, starts: Sequence[Start]) -> None:
        """Open a lane for each partition."""
        self.arrived = True
        self.events["assigned"] += 1
        for start in starts:
            lane = self._router.assign(start.partition, start.offset)
            lane.end = start.end
            lane.parking = ParkedKeys() if self._park_keys else None
            if start.committed and start.offset is not None:
                lane.carry_over(Position(start.offset, start.memo), self._router.limits)
            self._totals.assigned(lane, len(self._router.lanes))
            trace.assigned(lane, start.offset)
            self._crew.open(lane)
            _log.info(
                "assigned",
                **where(lane),
                worker=lane.slot,
                offset=start.offset,
            )

    def revoked(self, partitions: Sequence[Partition]) -> None:
        """Drain these, commit exactly what is finished, and give them up."""
        self.events["revoked"] += 1
        lanes = self._held(partitions)
        self.drain(lanes, self._clock() + self._drain_seconds)
        crash.point("supervisor:inside-revoke")
        self.commit_now(lanes)
        self._give_up(lanes, "revoked")

    def lost(self, partitions: Sequence[Partition]) -> None:
        """They are another member's by now: nothing of ours may run on, nothing is committed."""
        self.events["lost"] += 1
        lanes = self._held(partitions)
        self._crew.kill([lane for lane in lanes if lane.ledger.in_flight])
        for lane in lanes:
            self._crew.close(lane)  # the idle ones: their threads in the worker end
        self._give_up(lanes, "lost")

    def committed(self, outcomes: Sequence[Outcome]) -> None:
        """Outcomes of commits; a failed one is sent again with the next."""
        self._asked = False
        for partition, position, error in outcomes:
            lane = self._router.lanes.get(partition)
            trace.committed(partition, lane, position.offset, error)
            if error is None:
                self.commits += 1
            else:
                self.commit_failures += 1
                epoch = {} if lane is None else {"epoch": lane.epoch}
                _log.warning(
                    "commit failed", topic=partition.topic, partition=partition.number, error=error,
                    **epoch,
                )  # fmt: skip
            if lane is not None and error is None:
                lane.confirmed, lane.refusal = position, ""
            elif lane is not None:
                lane.refused, lane.refusal = True, error or ""

    def reached_end(self, partition: Partition, offset: int) -> None:
        """The log ends here for now: what lies before holds no further records."""
        lane = self._router.lanes.get(partition)
        if lane is not None and lane.state is LaneState.OPEN:  # else its records were not taken in
            trace.reached_end(lane, lane.ledger.next, offset)
            lane.ledger.reach_end(offset)

    def out_of_range(self, partition: Partition, why: str) -> None:
        """Records were deleted before they were read: stop the partition, or begin anew as told."""
        lane = self._router.lanes.get(partition)
        if lane is None:
            return
        self.events["out_of_range"] += 1
        policy = self._on_out_of_range
        _log.error(
            "offset out of range",
            **where(lane),
            offset=lane.ledger.next,
            error=why,
            policy=policy.value,
            setting="--on-out-of-range",
        )
        if policy is OnOutOfRange.STOP:
            lane.out_of_range = True
            return
        self.drain([lane], self._clock() + self._drain_seconds)
        self._give_up([lane], "offset reset")
        offset = self.consumer.restart(partition, policy is OnOutOfRange.LATEST)
        self.assigned([Start(partition, offset, False, lane.end)])

    # -- called by the service --------------------------------------------------------------

    def commit_soon(self) -> None:
        """Commit what has moved since the last time, without waiting."""
        self._send(list(self._router.to_commit()))

    def announce(self) -> None:
        """Commit for the lanes that may go on only when the broker knows their next record.

        One such commit at a time: what becomes due meanwhile leaves together with the next.
        Each by itself, they would queue up at the broker, and lanes behind them.
        """
        if not self._asked:
            self._send(list(self._router.to_announce()))

    def _send(self, moved: list[tuple[Lane, Position]]) -> None:
        if self.transactions is not None:  # one at a time
            moved = [] if self.transactions.busy else self._writable(moved)
        if not moved:
            return
        trace.committing(moved)
        self._asked = (self.transactions or self.consumer).commit_soon(
            [(lane.partition, position) for lane, position in moved]
        )
        for lane, position in moved:
            lane.requested, lane.refused = position, not self._asked

    def commit_now(self, lanes: Iterable[Lane]) -> None:
        """Commit these lanes exactly, and wait for the broker's word on each.

        Also what is confirmed already, when a later commit is on its way or was refused:
        that one may have announced a record which will not be run any more.
        """
        wanted = [
            (lane, position)
            for lane in lanes
            if (position := lane.position()) is not None
            and (lane.refused or not position == lane.confirmed == lane.requested)
        ]
        committer = self.transactions or self.consumer
        wanted = self._writable(wanted)
        trace.committing(wanted)
        for lane, position in wanted:
            lane.requested, lane.refused = position, False
        self.committed(committer.commit_now([(lane.partition, at) for lane, at in wanted]))

    def _writable(self, moved: list[tuple[Lane, Position]]) -> list[tuple[Lane, Position]]:
        """Without the lanes whose outputs can't be written for now."""
        may = self.transactions.may_commit if self.transactions is not None else None
        return moved if may is None else [one for one in moved if may(one[0].partition)]

    def drain(self, lanes: Iterable[Lane], deadline: float) -> None:
        """Let these lanes finish the record at hand and their dead letters and outputs be
        acknowledged.

        What still runs at the deadline is killed, and what awaits is cancelled shortly before;
        it will be delivered again.
        """
        lanes = list(lanes)
        for lane in lanes:
            self._crew.close(lane, deadline)
        self._crew.await_that(lambda: self._signals.at_once or _are_quiet(lanes), deadline)
        cut_off = [lane for lane in lanes if not lane.quiet or lane.cut_off]
        self.cut_off += len(cut_off)
        for lane in cut_off:
            trace.abandoned(lane)
            _log.error(
                "drain deadline passed",
                **where(lane),
                worker=lane.slot,
                unwritten_dead_letters=lane.ledger.held - lane.abandoned - lane.sending,
                unacknowledged_outputs_of=lane.sending,
                setting="--drain-timeout",
            )
            # Leaving the group drains once more.
            lane.abandoned, lane.cut_off = lane.ledger.held, False
        self._crew.kill([lane for lane in cut_off if lane.state is not LaneState.CLOSED])

    def _held(self, partitions: Iterable[Partition]) -> list[Lane]:
        return [self._router.lanes[p] for p in partitions if p in self._router.lanes]

    def _give_up(self, lanes: Sequence[Lane], event: str) -> None:
        # librdkafka keeps the mark: what is paused now would come back paused, for ever.
        self.consumer.resume([lane.partition for lane in lanes if lane.paused])
        for lane in lanes:
            self._crew.forget(lane)
            trace.gave_up(lane, event)
            forgotten = {"pause": "forgotten"} if lane.held else {}
            _log.info(event, **where(lane), committed=lane.committed, **forgotten)


def _are_quiet(lanes: Iterable[Lane]) -> bool:
    return all(lane.quiet for lane in lanes)
