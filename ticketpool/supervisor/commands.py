"""Each command as a job: it goes a step further when the loop comes by, and ends in an answer."""

import os
import time
from collections.abc import Callable, Generator

from ticketpool import log
from ticketpool.config import RunConfig
from ticketpool.control.requests import (
    Answer,
    Caller,
    Drain,
    LogLevel,
    Move,
    Pause,
    Request,
    Restart,
    Resume,
    Scale,
    Trace,
    Who,
)
from ticketpool.core.lane import Lane
from ticketpool.core.router import Router
from ticketpool.errors import ControlError
from ticketpool.ipc.frames import Louder
from ticketpool.supervisor.choosing import Chooser, shown
from ticketpool.supervisor.crew import Crew
from ticketpool.supervisor.recruit import Recruiter
from ticketpool.supervisor.replacing import Replacer
from ticketpool.supervisor.scaling import Scaler
from ticketpool.supervisor.signals import StopSignals
from ticketpool.supervisor.tracing import Tracer

Job = Generator[None, None, Answer]
"""Yields while it waits. Raises ``ControlError``: that makes no sense here."""

PAUSE_SECONDS = 2.0
"""That the answer to a pause waits for the records at hand."""


class Commands:
    """*Supervisor side.* Carries out what is asked, in the loop's thread.

    Args:
        clock: CLOCK_MONOTONIC in seconds.
    """

    def __init__(
        self,
        config: RunConfig,
        router: Router,
        crew: Crew,
        recruiter: Recruiter,
        signals: StopSignals,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._group = config.group
        self._router = router
        self._crew = crew
        self._recruiter = recruiter
        self._signals = signals
        self._clock = clock
        self._chooser = Chooser(router, config.topics)
        self._scaler = Scaler(router, crew)
        self._replacer = Replacer(crew, clock)
        self._tracer = Tracer(crew.pool, crew.undertaker, clock)
        crew.on_seen = self._tracer.seen

    def tend(self) -> None:
        """Go on with a change of the pool, whether somebody still waits for it or not."""
        if self._scaler.resizing():
            self._scaler.tend()

    def job_of(self, request: Request, caller: Caller) -> Job:
        """What carries it out."""
        match request:
            case Pause():
                return self._pause(request)
            case Resume():
                return self._resume(request)
            case Move():
                return self._move(request)
            case Scale():
                return self._scale(request)
            case Restart():
                return self._restart(request)
            case Drain():
                return self._drain(caller)
            case LogLevel():
                return self._log_level(request)
            case Trace():
                return self._trace(request)
            case Who():
                return self._who()

    def _who(self) -> Job:
        yield from ()
        partitions, workers = len(self._router.lanes), self._scaler.workers
        said = f"{_count(partitions, 'partition')}, {_count(workers, 'worker')}"
        return Answer([f"group {self._group}, pid {os.getpid()}: {said}"])

    def _pause(self, request: Pause) -> Job:
        lanes, changed = self._chosen(request, held=True)
        if not changed:
            return Answer([self._nothing_to_do(lanes, "paused already")])
        for lane in changed:
            lane.held = True
            self._crew.mover.call_back(lane)
        until = self._clock() + PAUSE_SECONDS
        while (busy := [lane for lane in changed if not lane.resting]) and self._clock() < until:
            yield
        return Answer([f"paused {shown(changed)}", *map(_is_finished, busy)])

    def _resume(self, request: Resume) -> Job:
        yield from ()
        lanes, changed = self._chosen(request, held=False)
        for lane in changed:
            lane.held = False
        if not changed:
            return Answer([self._nothing_to_do(lanes, "not paused")])
        return Answer([f"resumed {shown(changed)}"])

    def _chosen(self, request: Pause | Resume, *, held: bool) -> tuple[list[Lane], list[Lane]]:
        """The lanes that are meant, and those of them that are not so yet."""
        lanes = self._chooser.lanes(
            request.topic, request.partitions, everything=request.everything
        )
        return lanes, [lane for lane in lanes if lane.held is not held]

    def _nothing_to_do(self, lanes: list[Lane], why: str) -> str:
        said = f"{shown(lanes)}: {why}" if lanes else self._chooser.held()
        return f"nothing to do, {said}"

    # -- the pool ---------------------------------------------------------------------------

    def _move(self, request: Move) -> Job:
        lane = self._chooser.lane(request.topic, request.partition)
        self._require_worker(request.worker)
        if lane.destination == request.worker:
            return Answer([f"nothing to do: worker {request.worker} has {lane.partition}"])
        self._crew.mover.send(lane, request.worker)
        until = self._clock() + request.seconds
        while self._is_ours(lane) and lane.slot != request.worker and self._clock() < until:
            yield
        if not self._is_ours(lane):
            return Answer([f"{lane.partition} was given up meanwhile: a rebalance"], 1)
        if lane.slot != request.worker:
            return Answer([f"{lane.partition} moves later; {self._waits_for([lane])}"], 1)
        return Answer([f"worker {lane.slot} has {lane.partition}"])

    def _is_ours(self, lane: Lane) -> bool:
        return self._router.lanes.get(lane.partition) is lane

    def _require_worker(self, worker: int) -> None:
        workers = self._scaler.workers
        if worker >= workers:
            raise ControlError(
                f"no worker {worker}: there {'is' if workers == 1 else 'are'} {workers}, 0 to "
                f"{workers - 1}; for more of them, ticketpool scale"
            )
        if worker >= self._router.slots.open:
            raise ControlError(f"worker {worker} is starting: the pool is being scaled up")

    def _scale(self, request: Scale) -> Job:
        before, wanted = self._scaler.workers, request.workers
        if self._scaler.resizing():
            raise ControlError(f"a change of the pool is under way; {self._under_way()}")
        if wanted == before:
            return Answer([f"nothing to do: {_count(before, 'worker')} already"])
        self._scaler.begin(wanted)
        until = self._clock() + request.seconds
        while self._scaler.changing() and self._clock() < until:
            yield
        if self._scaler.changing():
            return Answer([f"not done within {request.seconds:g} s, and goes on: "
                           f"{self._under_way()}"], 1)  # fmt: skip
        if (failure := self._scaler.failure) is not None:
            return Answer([f"still {_count(before, 'worker')}: {failure}"], failure.exit_code)
        return Answer([f"{_count(wanted, 'worker')}, before {before}; {self._spread()}"])

    def _spread(self) -> str:
        loads = [len(self._router.of_slot(slot)) for slot in range(self._scaler.workers)]
        most, least = max(loads), min(loads)
        each = (
            f"{least} to {_count(most, 'partition')}" if most > least else _count(most, "partition")
        )
        return f"{each} each"

    def _under_way(self) -> str:
        if moving := self._crew.mover.under_way:
            return self._waits_for(moving)
        return "workers start or end; the log tells"

    def _waits_for(self, lanes: list[Lane]) -> str:
        at_hand = [f"{lane.partition} offset {lane.ledger.first_in_flight}" for lane in lanes]
        more = f" and {len(lanes) - 5} more" if len(lanes) > 5 else ""
        return f"the record at hand is finished first: {', '.join(at_hand[:5])}{more}"

    def _restart(self, request: Restart) -> Job:
        index, _ = self._meant(request, "which worker?")
        slot = self._crew.pool.slots[index]
        return (yield from self._replacer.replace(slot, request.seconds))

    # -- the rest ------------------------------------------------------------------------------

    def _drain(self, caller: Caller) -> Job:
        if not self._signals.stop:  # a second one would not drain
            self._signals.ask(f"drain, by pid {caller.pid}")
        while True:  # whoever asked is told at the end
            yield

    def _log_level(self, request: LogLevel) -> Job:
        yield from ()
        level = request.log_level
        self._recruiter.log_level = level
        log.set_level(level)
        reached = [slot for slot in self._crew.pool.slots if slot.child is not None]
        for slot in reached:
            slot.living.channel.send(Louder(level))
        return Answer([f"log level {level}, in {len(reached)} workers too"])

    def _trace(self, request: Trace) -> Job:
        index, lanes = self._meant(request, "whose stack?")
        lines = yield from self._tracer.trace(index, lanes, everything=request.everything)
        return Answer(lines)

    def _meant(self, request: Trace | Restart, question: str) -> tuple[int, list[Lane]]:
        """The worker, and its lane that was named, or all."""
        if request.partition is not None:
            lane = self._chooser.lane(request.topic, request.partition)
            return lane.slot, [lane]
        if request.worker is None:
            raise ControlError(f"{question} Name a --partition or a --worker")
        if request.worker >= len(self._crew.pool.slots):
            self._require_worker(request.worker)
        return request.worker, list(self._router.of_slot(request.worker))


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _is_finished(lane: Lane) -> str:
    offset = lane.ledger.first_in_flight
    return f"{lane.partition} offset {offset} is at hand: it is finished first, nothing after it"
