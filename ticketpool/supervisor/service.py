"""The supervisor: one loop, one thread, the only Kafka client of the pool."""

import sys
import time
from collections.abc import Callable, Sequence

from ticketpool import log, trace
from ticketpool.config import RunConfig
from ticketpool.core.flow import Limits
from ticketpool.core.lane import Lane
from ticketpool.core.lifecycle import Lifecycle, ServiceState
from ticketpool.core.policy import Backoff
from ticketpool.core.router import Router
from ticketpool.core.status import ServiceStatus
from ticketpool.errors import DrainTimeout
from ticketpool.kafka.cluster import Cluster
from ticketpool.kafka.dead_letter import DeadLetters
from ticketpool.kafka.outlet import Carrier, Outlet
from ticketpool.kafka.settings import new_protocol
from ticketpool.kafka.transactions import Transactions
from ticketpool.kafka.watermarks import Watermarks
from ticketpool.pool import Pool
from ticketpool.supervisor.assignment import Assignment
from ticketpool.supervisor.commands import Commands
from ticketpool.supervisor.crew import Crew
from ticketpool.supervisor.environment import worker_environment
from ticketpool.supervisor.failures import Failures
from ticketpool.supervisor.hands import Hands
from ticketpool.supervisor.intake import Intake
from ticketpool.supervisor.leaving import LEAST_SECONDS, Leaving
from ticketpool.supervisor.listening import listening
from ticketpool.supervisor.lookout import Lookout
from ticketpool.supervisor.naming import where
from ticketpool.supervisor.preparing import create_topics
from ticketpool.supervisor.recruit import Recruiter
from ticketpool.supervisor.report import Reporter
from ticketpool.supervisor.signals import StopSignals
from ticketpool.supervisor.telling import Telling
from ticketpool.supervisor.totals import Summary, Totals
from ticketpool.systemd import take_socket

POLL_SECONDS = 0.1  # waiting for Kafka; deaths of idle workers wait for it too
ACK_SECONDS = 0.01  # the same while records are in flight, whose acks wait for it
PRESSED_SECONDS = 0.005  # waiting for a worker while records wait for credit
TEND_SECONDS = 0.25
REPORT_SECONDS = 0.5
CLOSE_SECONDS = 5.0  # for the close() of class handlers, when the group has been left

_log = log.get("ticketpool.supervisor")


class Supervisor:
    """Joins the group, feeds the workers, commits what they finish. See ``run``.

    Attributes:
        hands: what people ask of it, on the control socket.
    """

    def __init__(self, config: RunConfig, signals: StopSignals) -> None:
        self._config = config
        self._signals = signals
        self._notifier = take_socket()
        self._telling = Telling(self._notifier)
        self._lifecycle = Lifecycle()
        self._totals = Totals()
        self._router = router = _router_of(config)
        transactions = Transactions(config.kafka, config.group) if config.exactly_once else None
        self._carrier: Carrier = transactions or Outlet(config.kafka)
        self._failures = Failures(config, DeadLetters(self._carrier, config.group), self._totals)
        stdout = sys.stderr.fileno() if config.quiet_stdout else None
        recruiter = Recruiter(config, worker_environment(config), stdout)
        pool = Pool(config.workers, recruiter, Backoff(0.1, 10.0))
        self._crew = Crew(config, pool, self._router, self._failures, self._totals, self._carrier)
        self._assignment = Assignment(config, self._router, self._crew, self._totals, signals)
        self._consumer = self._assignment.connect(config, transactions)
        self._intake = Intake(self._consumer, config.topics, self._router, self._totals)
        self._watermarks = Watermarks(config.kafka)
        high, delays = self._consumer.high_watermark, self._carrier.delays
        lookout = Lookout(config, router, pool, delays, self._watermarks, high)
        self._reporter = Reporter(
            config, self._lifecycle, router, self._crew, self._assignment, lookout
        )
        self.hands = Hands(config, Commands(config, router, self._crew, recruiter, signals))
        self._crew.on_wait = self._show_life
        self._commit_due = self._tend_due = self._report_due = self._poll_due = 0.0
        self._announced = False
        self._unconfirmed: list[Lane] = []

    def run(self) -> None:
        """Serve until a signal, an error, or the end of the log (``until_caught_up``).

        Raises:
            TicketpoolError: of any kind in ``ticketpool.errors``; what was
                finished is committed all the same.
        """
        with self.hands.reachable(), self._reporter.recording():
            self._serve()

    def _serve(self) -> None:
        with listening(self._config, lambda: self._reporter.latest):
            try:
                self._start()
                while not self._done():
                    self._run_once()
            finally:
                self._stop()
        if self._failures.stopped is not None:
            raise self._failures.stopped
        if self._assignment.cut_off:
            raise DrainTimeout(
                f"{self._assignment.cut_off} partitions were cut off in the middle of a record, "
                "which will be delivered again; give them longer with --drain-timeout"
            )
        if self._unconfirmed:
            raise DrainTimeout(
                f"the broker has not confirmed the last commit of {len(self._unconfirmed)} "
                "partitions; what they finished since will be delivered again"
            )

    @property
    def status(self) -> ServiceStatus | None:
        """The newest snapshot, half a second old at most; any thread may ask."""
        return self._reporter.latest

    def summary(self, ok: bool) -> Summary:
        """The outcome so far; ``ok``: ``run`` has returned and not raised."""
        return self._totals.summary(ok, self._crew.pool.restarts)

    # -- start -----------------------------------------------------------------------

    def _start(self) -> None:
        """Workers start while the cluster is asked; the group is joined when all are warm."""
        self._crew.fill()
        self._show_life()
        cluster = Cluster(self._config.kafka)
        if self._config.create_topic:
            create_topics(self._config, cluster)
        self._consumer.known = cluster.require(self._config.topics)
        self._watermarks.start()
        if new_protocol(self._config.kafka):
            _log.warning(
                "slow takeover with group.protocol=consumer",
                detail="a dead or hung supervisor's partitions are taken over after 45 s or more",
                setting="-X group.protocol=classic",
            )
        while not self._crew.warm and not self._signals.stop:
            self._show_life()
            self._crew.collect(POLL_SECONDS)
            self._crew.undertaker.kill_overdue()
            self._crew.raise_error()
            self._crew.fill()
        self._lifecycle.advance(ServiceState.JOINING)
        self._consumer.subscribe(self._config.topics)
        self._reporter.refresh()  # whoever embeds us waits for this

    # -- the loop ---------------------------------------------------------------------

    def _run_once(self) -> None:
        self._poll()
        self._crew.collect()
        self._crew.feed()
        self._intake.tend()
        self._carrier.tend()
        now = time.monotonic()
        if now >= self._commit_due or self._crew.urgent:
            self._crew.settle_finished()
            self._crew.urgent = False
            self._commit_due = now + self._config.commit_interval_seconds
            self._assignment.commit_soon()
        self._assignment.announce()
        if now >= self._tend_due:
            self._tend_due = now + TEND_SECONDS
            self._tend()
        self.hands.tend()

    def _poll(self) -> None:
        """Wait where work will come from: for Kafka, or for a worker when records wait for one.

        While every lane has enough to go on with, Kafka is polled now and then only, for
        its callbacks (librdkafka serves them before records) and one record.
        """
        pressed = self._router.starved() or self._crew.pool.pending
        sated = pressed and not self._intake.hungry()
        due = not sated or time.monotonic() >= self._poll_due
        patience = ACK_SECONDS if self._router.in_flight() else POLL_SECONDS
        found = due and self._ask(0.0 if pressed else patience, one=sated)
        if pressed and not found:
            self._crew.collect(PRESSED_SECONDS)

    def _ask(self, seconds: float, *, one: bool) -> int:
        began = time.monotonic()
        self._poll_due = began + POLL_SECONDS
        found = self._intake.poll(seconds, one=one)
        self._crew.heartbeat.polled(began)
        return found

    def _tend(self) -> None:
        self._crew.fill()
        self._crew.undertaker.kill_overdue()
        self._crew.recycler.tend()
        self._crew.raise_error()
        if self._assignment.arrived and self._crew.warm:
            self._become_ready()
        self._show_life()

    def _become_ready(self) -> None:
        partitions, workers = len(self._router.lanes), self._config.workers
        if self._lifecycle.advance(ServiceState.READY):
            _log.info("ready", partitions=partitions, workers=workers)
            self._report_due = 0.0
            self._announced = not self._notifier.active
        if not self._announced:  # systemd's queue may have been full the last time
            self._announced = self._notifier.ready(f"{partitions} partitions on {workers} workers")

    def _show_life(self) -> None:
        """A snapshot now and then, and a ping for systemd's watchdog."""
        now = time.monotonic()
        if now >= self._report_due:
            self._report_due = now + REPORT_SECONDS
            self._reporter.refresh()
        self._telling.tend(now, self._reporter.latest)
        self.hands.glance()

    def _done(self) -> bool:
        if self._signals.stop:
            _log.info("stopping", signal=self._signals.last)
            return True
        return self._failures.stopped is not None or (
            self._config.until_caught_up and self._caught_up()
        )

    def _caught_up(self) -> bool:
        """Every assigned partition is finished up to the end that it had at assignment."""
        lanes = self._router.lanes.values()
        return bool(lanes) and all(lane.caught_up for lane in lanes)

    # -- stop --------------------------------------------------------------------------

    def _stop(self) -> None:
        """Drain, commit, leave the group, end the workers. Nothing of ours is left running."""
        self._lifecycle.advance(ServiceState.DRAINING)
        self._notifier.stopping()
        self._reporter.refresh()
        try:
            lanes = list(self._router.lanes.values())
            self._assignment.cut_off = 0  # what rebalances cut off was delivered again since
            deadline = time.monotonic() + self._config.drain_seconds
            self._assignment.drain(lanes, deadline)
            self._leave(lanes, max(deadline, time.monotonic() + LEAST_SECONDS))
            self._crew.dismiss(CLOSE_SECONDS, lambda: self._signals.at_once)
        finally:
            self._watermarks.close()
            self._crew.pool.close()
            self._lifecycle.advance(ServiceState.STOPPED)
            _log.info("stopped")
        trace.stopped()

    def _leave(self, lanes: Sequence[Lane], deadline: float) -> None:
        """Commit and leave the group, if the broker answers by then."""

        def leave() -> None:
            self._assignment.commit_now(lanes)
            self._consumer.close()

        leaving = Leaving(leave)
        leaving.start()
        leaving.wait(self._enough(deadline))
        self._unconfirmed = [lane for lane in lanes if lane.ledger.committable != lane.committed]
        for lane in self._unconfirmed:
            _log.error(
                "not committed",
                **where(lane),
                committed=lane.committed,
                finished=lane.ledger.committable,
            )

    def _enough(self, deadline: float) -> Callable[[], bool]:
        """Whether it is time to go; a second signal leaves the broker the least time only."""
        least = time.monotonic() + LEAST_SECONDS

        def enough() -> bool:
            now = time.monotonic()
            self._notifier.tend_watchdog(now)
            return now >= (least if self._signals.at_once else deadline)

        return enough


def _router_of(config: RunConfig) -> Router:
    limits = Limits(buffer_records=config.buffer_records, buffer_bytes=config.buffer_bytes)
    return Router(
        config.workers, limits, max_crashes=config.max_crashes, atomic=config.exactly_once
    )
