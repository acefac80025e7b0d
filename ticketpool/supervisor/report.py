"""Snapshots of the service for HTTP, metrics and systemd."""

import time

from ticketpool.config import RunConfig
from ticketpool.core.health import problems_of
from ticketpool.core.lane import Lane
from ticketpool.core.lifecycle import Lifecycle, ServiceState
from ticketpool.core.router import Router
from ticketpool.core.status import PartitionStatus, ServiceStatus, WorkerStatus, total_lag
from ticketpool.ipc.frames import FromWorker
from ticketpool.pool import Slot
from ticketpool.supervisor.assignment import Assignment
from ticketpool.supervisor.changes import Changes
from ticketpool.supervisor.crew import Crew
from ticketpool.supervisor.figures import Figures
from ticketpool.supervisor.lookout import Lookout, Outlook, Running

_END_SECONDS = 10.0  # that a worker takes at most, once it is told to end or killed


class Reporter:
    """*Supervisor side.* Makes a ``ServiceStatus`` when asked.

    Attributes:
        latest: the newest one; any thread may read it.
        recording: a context in which the log's events are kept for it.
    """

    def __init__(
        self,
        config: RunConfig,
        lifecycle: Lifecycle,
        router: Router,
        crew: Crew,
        assignment: Assignment,
        lookout: Lookout,
    ) -> None:
        self._config = config
        self._lifecycle = lifecycle
        self._router = router
        self._crew = crew
        self._assignment = assignment
        self._lookout = lookout
        self._changes = Changes()
        # A drain ends what hangs at its deadline, not at the handler's.
        timeout = config.handler_timeout_seconds
        self._hang_seconds = timeout + config.drain_seconds + _END_SECONDS if timeout else 0.0
        self._started = time.monotonic()
        self._figures = Figures(config, crew, assignment)
        self.recording = self._figures.recording
        self.latest: ServiceStatus | None = None

    def refresh(self) -> None:
        """Take a new snapshot."""
        now = time.monotonic()
        state = self._lifecycle.state
        running = {
            lane.partition: (offset, since)
            for slot in self._crew.pool.slots
            for lane, offset, since in self._crew.undertaker.running(slot)
        }
        partitions = self._partitions(running, now)
        self.latest = ServiceStatus(
            state=state.name.lower(),
            ready=state is ServiceState.READY and self._crew.warm,
            made_at=now,
            uptime_seconds=round(now - self._started, 3),
            group=self._config.group,
            handler=self._config.handlers_shown,
            partitions=partitions,
            workers=[self._worker(slot, now) for slot in self._crew.pool.slots],
            rebalances=dict(self._assignment.events),
            commits=self._assignment.commits,
            commit_failures=self._assignment.commit_failures,
            problems=problems_of(partitions, self._hang_seconds),
            poll_age_seconds=self._poll_age(now),
            cluster=self._figures.timed(self._lookout.cluster()),
            **self._figures.of_service(now, total_lag(partitions)),
        )

    def _poll_age(self, now: float) -> float | None:
        polled = self._crew.heartbeat.polled_at
        return None if polled is None else round(max(now - polled, 0.0), 3)

    def _worker(self, slot: Slot[FromWorker], now: float) -> WorkerStatus:
        return WorkerStatus(
            slot=slot.index,
            pid=slot.child.pid if slot.child else None,
            state=slot.state.value,
            restarts=max(slot.restarts, 0),
            partitions=len(self._router.of_slot(slot.index)),
            **self._figures.of_worker(slot, now),
        )

    def _partitions(self, running: Running, now: float) -> list[PartitionStatus]:
        outlooks = self._lookout.look(running)
        lanes = sorted(self._router.lanes.values(), key=lambda lane: lane.partition)
        self._changes.keep(outlooks)
        for lane in lanes:
            self._changes.note(lane, outlooks[lane.partition])
        return [
            self._partition(lane, running.get(lane.partition), outlooks[lane.partition], now)
            for lane in lanes
        ]

    def _partition(
        self, lane: Lane, running: tuple[int, int] | None, outlook: Outlook, now: float
    ) -> PartitionStatus:
        ledger, counts = lane.ledger, lane.counts
        slot = self._crew.pool.slots[lane.slot]
        age = (time.monotonic_ns() - running[1]) / 1e9 if running else None
        return PartitionStatus(
            topic=lane.partition.topic,
            partition=lane.partition.number,
            worker=lane.slot if slot.child else None,
            pid=slot.child.pid if slot.child else None,
            committed=lane.committed,
            waiting_letters=ledger.held - lane.abandoned,
            **outlook._asdict(),
            buffered=ledger.buffered,
            in_flight=ledger.in_flight,
            paused=lane.paused, held=lane.held,
            in_flight_offset=running[0] if running else None,
            in_flight_age_seconds=round(age, 3) if age is not None else None,
            processed=counts.processed,
            retried=counts.retried,
            dead_lettered=counts.dead_lettered,
            skipped=counts.skipped,
            redelivered=counts.redelivered,
            parked_keys=0 if lane.parking is None else len(lane.parking.current),
            **self._figures.of_partition(lane, now, len(self._router.lanes)),
        )  # fmt: skip
