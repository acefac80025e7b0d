"""What a worker is doing at this moment, without stopping it."""

import signal
from collections.abc import Callable, Generator, Iterator
from itertools import count

from ticketpool.core.lane import Lane
from ticketpool.ipc.frames import FromWorker, Look, Seen, Stack
from ticketpool.pool import Pool, Slot, SlotState
from ticketpool.supervisor.deaths import Undertaker

ANSWER_SECONDS = 1.0
"""That a worker may take to tell; then faulthandler dumps what its threads are in."""

_DUMP_SECONDS = 1.0

Waiting = Generator[None, None, list[str]]
"""Yields while it waits; returns lines for people."""


class Tracer:
    """*Supervisor side.* Asks a worker for its stacks.

    The worker's reader thread tells them, marked by lane, of tasks too. One that can't (its
    handler holds the interpreter's lock in C code, or it is stopped) gets SIGUSR1: faulthandler
    needs no lock, and knows no names.

    Args:
        clock: CLOCK_MONOTONIC in seconds.
    """

    def __init__(
        self, pool: Pool[FromWorker], undertaker: Undertaker, clock: Callable[[], float]
    ) -> None:
        self._pool = pool
        self._undertaker = undertaker
        self._clock = clock
        self._tickets = count(1)
        self._seen: dict[int, list[Stack] | None] = {}  # asked for, and what came

    def seen(self, seen: Seen) -> None:
        """A worker has told."""
        if seen.ticket in self._seen:
            self._seen[seen.ticket] = seen.stacks

    def trace(self, index: int, lanes: list[Lane], *, everything: bool) -> Waiting:
        """What these lanes of a worker are doing; ``everything``: its other threads, too."""
        slot = self._pool.slots[index]
        if slot.state not in (SlotState.READY, SlotState.RETIRING):
            return [f"worker {index} runs nothing: it is {slot.state.value}; its log says why"]
        lines = [f"worker {index}, pid {slot.living.pid}: {self._said_of(slot, lanes)}"]
        stacks = yield from self._ask(slot)
        if stacks is None:
            return lines + (yield from self._dumped(slot))
        names = {str(lane.partition) for lane in lanes}
        return [*lines, *_shown(stacks, names, everything=everything)]

    def _said_of(self, slot: Slot[FromWorker], lanes: list[Lane]) -> str:
        now = int(self._clock() * 1e9)
        said = [
            f"{lane.partition} offset {offset} runs for {(now - since) / 1e9:.1f} s"
            for lane, offset, since in self._undertaker.running(slot)
            if lane in lanes
        ]
        if said:
            return "; ".join(said)
        return "; ".join(map(_waits, lanes)) if len(lanes) == 1 else "runs no record"

    def _ask(self, slot: Slot[FromWorker]) -> Generator[None, None, list[Stack] | None]:
        ticket, until = next(self._tickets), self._clock() + ANSWER_SECONDS
        self._seen[ticket] = None
        slot.living.channel.send(Look(ticket))
        while self._seen[ticket] is None and self._clock() < until:
            yield
        return self._seen.pop(ticket)

    def _dumped(self, slot: Slot[FromWorker]) -> Waiting:
        if slot.child is None:
            return ["it has died meanwhile; the log says how"]
        child, until, text = slot.child, self._clock() + _DUMP_SECONDS, ""
        child.forget_dump()
        child.signal(signal.SIGUSR1)
        while self._clock() < until:
            yield
            if slot.child is not child:
                return ["it has died meanwhile; the log says how"]
            if (now := child.stacks()) and now == text:
                child.forget_dump()
                return ["It did not answer (C code that holds the lock?); of all threads:", now]
            text = now
        return ["It shows nothing, not even to a signal: it is stopped, or stuck in the kernel"]


def _waits(lane: Lane) -> str:
    """What a lane does that runs no record."""
    where, ledger = str(lane.partition), lane.ledger
    if lane.held:
        return f"{where} is paused: ticketpool resume --partition {lane.partition.number}"
    if ledger.in_flight:
        offset, trouble = ledger.first_in_flight, lane.trouble
        retries = trouble is not None and trouble.offset == offset and trouble.attempts
        return f"{where} offset {offset} waits" + (" for its next attempt" if retries else "")
    waiting = f"{ledger.buffered} records wait" if ledger.buffered else "no record waits"
    return f"{where} runs no record, {waiting}"


def _shown(stacks: list[Stack], names: set[str], *, everything: bool) -> Iterator[str]:
    """Those of the lanes first, marked; of the others their number, or all of them."""
    ours = [stack for stack in stacks if stack.name in names]
    others = [stack for stack in stacks if stack.name not in names]
    for mark, some in (("▶", ours), (" ", others if everything else [])):
        for stack in some:
            yield ""
            yield f"{mark} {stack.kind} {stack.name}"
            yield from stack.lines
    if others and not everything:
        yield ""
        yield f"{len(others)} other threads and tasks: add --all"
