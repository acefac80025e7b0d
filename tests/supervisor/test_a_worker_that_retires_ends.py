"""A worker that is to make room is told to end when it holds no lane any more, whatever became
of the lanes.

In doubt because a lane that is lost while its worker closes it is not found any more: the worker
was never told to end, took no other lane, and held up all further retirements.
"""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

from ticketpool.config import RunConfig
from ticketpool.core.flow import Limits
from ticketpool.core.lane import Lane
from ticketpool.core.model import Partition
from ticketpool.core.router import Router
from ticketpool.errors import WorkerStartFailed
from ticketpool.ipc.frames import Close, Closed, End, Failed, Ready
from ticketpool.kafka.dead_letter import DeadLetters
from ticketpool.kafka.outlet import Outlet
from ticketpool.pool import Signal, Slot, SlotState
from ticketpool.supervisor.crew import Crew
from ticketpool.supervisor.failures import Failures
from ticketpool.supervisor.totals import Totals
from ticketpool.worker import words


class Pipe:
    """Keeps what the worker was sent, and brings what it is to have said."""

    def __init__(self) -> None:
        self.ended = self.broken = False
        self.sent: list[object] = []
        self.said: list[object] = []

    def send(self, frame: object) -> None:
        self.sent.append(frame)

    def receive(self) -> Iterator[object]:
        while self.said:
            yield self.said.pop(0)


class World:
    """A crew with one worker that is ready, and lanes that it has opened."""

    def __init__(self, lanes: int) -> None:
        config, totals, outlet = RunConfig(workers=1), Totals(), Outlet(RunConfig().kafka)
        self.pipe, self.slot = Pipe(), Slot[Any](0)
        cells = [0] * words.COUNT
        worker = SimpleNamespace(pid=7, channel=self.pipe, words=SimpleNamespace(cells=cells))
        self.slot.child, self.slot.state = cast("Any", worker), SlotState.READY
        pool: Any = SimpleNamespace(slots=[self.slot], wait=self._wait)
        router = Router(1, Limits(), max_crashes=3)
        failures = Failures(config, DeadLetters(outlet, config.group), totals)
        self.crew = Crew(config, pool, router, failures, totals, outlet)
        self.lanes = [router.assign(Partition("tickets", n), 0) for n in range(lanes)]
        for lane in self.lanes:
            self.crew.open(lane)
        self.pipe.sent.clear()

    def _wait(self, _: float) -> list[tuple[Slot[Any], Signal]]:
        return [(self.slot, Signal.FRAMES)]

    def closed(self, lane: Lane) -> None:
        """The worker has closed it."""
        self.pipe.said.append(Closed(lane.number))
        self.crew.collect()


def test_it_ends_with_its_last_lane() -> None:
    world = World(lanes=2)
    world.crew.recycler.retire(world.slot, "old")
    assert world.pipe.sent == [Close(lane.number) for lane in world.lanes]
    numbers = [lane.number for lane in world.lanes]
    world.closed(world.lanes[0])
    assert len(world.pipe.sent) == len(numbers)
    world.closed(world.lanes[1])
    assert world.pipe.sent[-1] == End()


def test_it_ends_when_its_last_lane_is_lost_meanwhile() -> None:
    world = World(lanes=1)
    world.crew.recycler.retire(world.slot, "old")
    (lost,) = world.lanes
    world.crew.forget(lost)
    world.closed(lost)
    assert world.pipe.sent == [Close(lost.number), End()]


def test_it_has_its_time_to_close_when_the_service_ends_meanwhile() -> None:
    """It was killed at once, as if it had nothing to close."""
    world = World(lanes=1)
    world.crew.recycler.retire(world.slot, "old")
    world.crew.close(world.lanes[0])
    world.closed(world.lanes[0])
    gone = world.crew.recycler.dismiss(5.0)
    assert [frame for frame in world.pipe.sent if isinstance(frame, End)] == [End()]
    assert not gone()
    world.slot.child = None
    assert gone()


def test_what_it_says_of_its_start_is_too_late() -> None:
    """It was dismissed while it started, and was taken for one that serves; or its successor's
    slot for one whose handler can't be loaded."""
    world = World(lanes=0)
    world.slot.state, world.slot.leaving = SlotState.RETIRING, True
    world.pipe.said += [Ready(True), Failed("HandlerError", "no module")]
    world.crew.collect()
    assert world.slot.state is SlotState.RETIRING
    again = Slot[Any](0)
    again.joining = True
    world.crew.starts.died(again, "exit code 1", by_signal=False)
    assert isinstance(world.crew.starts.misfit, WorkerStartFailed)
