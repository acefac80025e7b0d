"""The crew: workers in their slots, fed by the router, and what comes back from them."""

import time
from collections.abc import Callable, Iterable

from ticketpool import crash, log, trace
from ticketpool.config import RunConfig
from ticketpool.core.lane import Lane, LaneState
from ticketpool.core.router import Router
from ticketpool.errors import FrameError
from ticketpool.ipc.frames import (
    Ack,
    Close,
    Closed,
    Failed,
    FromWorker,
    Ready,
    Retrying,
    Seen,
)
from ticketpool.kafka.outlet import Carrier
from ticketpool.pool import Pool, Signal, Slot, SlotState
from ticketpool.supervisor.deaths import Undertaker
from ticketpool.supervisor.failures import Failures
from ticketpool.supervisor.feed import frame_of, open_of
from ticketpool.supervisor.heartbeat import Heartbeat
from ticketpool.supervisor.moves import Mover
from ticketpool.supervisor.outputs import Outputs
from ticketpool.supervisor.recycle import Recycler
from ticketpool.supervisor.settling import Settler
from ticketpool.supervisor.starts import Starts
from ticketpool.supervisor.totals import Totals

Clock = Callable[[], float]

_MAX_PENDING_BYTES = 8 << 20  # queued for one pipe; a worker that stops reading is fed no more
_EXIT_SECONDS = 0.5  # that a worker may take to end, once its handler is closed

_log = log.get("ticketpool.supervisor")


class Crew:
    """*Supervisor side.* Feeds workers, takes their acks, buries and replaces the dead.

    Args:
        clock: seconds that only rise.

    Attributes:
        on_wait: called again and again while a drain waits.
        on_seen: gets the stacks that a worker was asked for.
        urgent: a worker has died; the next commit should tell it at once.
        pool, heartbeat, starts, recycler, mover, undertaker: its parts.
    """

    def __init__(
        self,
        config: RunConfig,
        pool: Pool[FromWorker],
        router: Router,
        failures: Failures,
        totals: Totals,
        carrier: Carrier,
        clock: Clock = time.monotonic,
    ) -> None:
        self.pool = pool
        self._carrier = carrier
        self._outputs = Outputs(carrier, failures, clock)
        self._router = router
        self._failures = failures
        self.totals = totals
        self._clock = clock
        self._wants_record = False
        self._whole_topics: frozenset[str] = frozenset()
        self.starts = Starts(config.handlers_shown)
        self.on_wait: Callable[[], None] = lambda: None
        self.on_seen: Callable[[Seen], None] = lambda seen: None
        self.urgent = False
        self.heartbeat = Heartbeat(pool, config.silence_seconds, clock)
        self.recycler = Recycler(config, pool, router)
        self.mover = Mover(pool, router, self.open)
        self._settler = Settler(router, failures, self._outputs, totals, self.recycler)
        self.undertaker = Undertaker(
            pool,
            router,
            failures,
            self._settler,
            self.starts,
            config.handler_timeout_seconds,
            clock,
        )

    # -- processes --------------------------------------------------------------------

    def fill(self) -> None:
        """Start the workers that are due."""
        for slot in self.pool.fill():
            _log.info("worker started", worker=slot.index, pid=slot.living.pid)

    @property
    def warm(self) -> bool:
        """Whether every worker has loaded the handler."""
        return self.pool.warm

    def raise_error(self) -> None:
        """Raise why workers cannot start, if they cannot."""
        self.starts.raise_error()

    # -- feeding -----------------------------------------------------------------------

    def open(self, lane: Lane) -> None:
        """Tell the lane's worker of it, if that is warm; else it is told when it is."""
        slot = self.pool.slots[lane.slot]
        if slot.state is not SlotState.READY or lane.state is not LaneState.OPEN:
            return
        self._router.open(lane)
        trace.opened(lane, slot.living.pid)
        slot.living.channel.send(open_of(lane))

    def close(self, lane: Lane, until: float | None = None) -> None:
        """Let the worker finish the record at hand; the lane is ``CLOSED`` when it has.

        ``until``: of the clock, when it will be killed if it has not.
        """
        if lane.state is not LaneState.OPEN:
            return
        trace.closing(lane)
        lane.state = LaneState.CLOSING if lane.opened else LaneState.CLOSED
        if lane.opened:
            self.pool.slots[lane.slot].living.channel.send(Close(lane.number, until))

    def feed(self) -> None:
        """Send what credits allow to every warm worker. Never blocks."""
        for slot in self.pool.slots:
            if slot.state is not SlotState.READY:
                continue
            for lane in self._router.hopeless(slot.index):
                self._failures.killed_worker(lane, None)
            if self._put_frames(slot):
                slot.living.channel.flush()  # all at once: with many partitions they are small
                crash.point("supervisor:after-frame")

    def _put_frames(self, slot: Slot[FromWorker]) -> int:
        """Queue what the slot's worker may be sent; how many frames."""
        channel, count = slot.living.channel, 0
        if self._outputs.full:
            return 0
        for lane, chunk in self._router.sendable(slot.index):
            trace.delivered(lane, chunk.offsets)
            crash.point("supervisor:before-frame")
            whole = self._wants_record or lane.partition.topic in self._whole_topics
            channel.put(frame_of(lane, chunk, self._router.limits, whole=whole))
            count += 1
            if channel.pending_bytes > _MAX_PENDING_BYTES:
                break
        return count

    # -- what comes back ------------------------------------------------------------------

    def collect(self, seconds: float = 0.0) -> None:
        """Take what the workers have sent and bury the dead, after waiting at most ``seconds``."""
        self.heartbeat.beat()
        for slot, what in self.pool.wait(seconds):
            if what is Signal.EXIT:
                self._bury(slot)
            else:
                self._receive(slot)

    def _receive(self, slot: Slot[FromWorker]) -> None:
        channel = slot.living.channel
        try:
            for frame in channel.receive():
                self._handle(slot, frame)
        except FrameError as error:
            _log.error("worker killed: it sent no valid frame", worker=slot.index, error=str(error))
            slot.living.kill()
        if channel.ended:
            slot.living.kill()  # it can't be reached any more; usually it is dead already

    def _handle(self, slot: Slot[FromWorker], frame: FromWorker) -> None:
        match frame:
            case Ack():
                self._acknowledged(frame)
            case Retrying():
                if lane := self._router.find(frame.lane):
                    self._settler.retrying(lane, frame)
            case Closed():
                self._closed(slot, frame)
            case Ready():
                self._ready(slot, frame)
            case Failed():
                self.starts.refused(slot, frame.message)
            case Seen():
                self.on_seen(frame)

    def _ready(self, slot: Slot[FromWorker], frame: Ready) -> None:
        if slot.state is not SlotState.STARTING:
            return  # it is not wanted any more, and has been killed
        slot.state = SlotState.READY
        self.starts.went_well(slot)
        self._wants_record, self.recycler.closes = frame.wants_record, frame.closes
        self._whole_topics = frozenset(frame.whole_topics)
        for lane in self._router.of_slot(slot.index):
            self.open(lane)

    def _acknowledged(self, ack: Ack) -> None:
        lane = self._router.find(ack.lane)
        if lane is None:
            return  # fenced: of an earlier process or assignment
        self._settler.by_ack(lane, ack)
        self.pool.slots[lane.slot].worked()

    def settle_finished(self) -> None:
        """Settle what lanes have finished and not acknowledged yet: the quick records before one
        that takes long. To be called before a commit."""
        self._settler.by_living_words(self.pool, self.collect)

    def _closed(self, slot: Slot[FromWorker], frame: Closed) -> None:
        if (lane := self._router.find(frame.lane)) is not None:
            if lane.state is LaneState.CLOSING:
                lane.state = LaneState.CLOSED
            lane.cut_off = frame.cut_off
            trace.handed_back(lane)
            self._router.park(lane)
            self.mover.land(lane)
        self.recycler.lane_closed(slot)  # also with one that was lost meanwhile

    # -- the end -----------------------------------------------------------------------

    def _bury(self, slot: Slot[FromWorker], *, blame: bool = True) -> None:
        self._receive(slot)  # what it had still written
        self.undertaker.bury(slot, blame=blame)
        for lane in list(self._router.of_slot(slot.index)):
            self.mover.land(lane)
        self.urgent = True

    def forget(self, lane: Lane) -> None:
        """The lane's partition is given up; what its worker may still send is not believed."""
        self._router.forget(lane)
        self._outputs.forget(lane)

    def kill(self, lanes: Iterable[Lane]) -> None:
        """Kill the workers of these lanes, and wait until they are dead: nothing of ours runs
        for these partitions any more. Their other lanes start again elsewhere, and no record
        is charged with this death."""
        for index in {lane.slot for lane in lanes}:
            self.put_down(self.pool.slots[index])

    def put_down(self, slot: Slot[FromWorker]) -> None:
        """The same of one slot's worker, whichever lanes it has."""
        if slot.child is not None:
            slot.child.kill()
            slot.child.wait()
            self._bury(slot, blame=False)

    def dismiss(self, seconds: float, hurry: Callable[[], bool]) -> None:
        """All lanes are closed: give the workers time to close their handlers, if these have
        something to close, unless it is time to hurry. The rest is for ``Pool.close``."""
        if not hurry():
            gone = self.recycler.dismiss(seconds)
            self.await_that(lambda: gone() or hurry(), self._clock() + seconds + _EXIT_SECONDS)

    def await_that(self, condition: Callable[[], bool], deadline: float) -> bool:
        """Serve the workers until the condition holds or the monotonic time has come.

        Meanwhile ``on_wait`` says that we are alive.
        """
        while not condition():
            left = deadline - self._clock()
            if left <= 0:
                return False
            self.on_wait()
            self.collect(min(left, 0.05))
            self.feed()
            self._carrier.tend()
        return True
