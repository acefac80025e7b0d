"""Time and turns: many threads of which exactly one runs, in an order that a seed decides.

Real code of ticketpool runs here unchanged: wherever it would wait for the
world (a pipe, a lock, Kafka, a sleep), it waits for the kernel, which hands the
turn to whoever is due next and moves the clock. Nothing ever runs at the same
time, so a seed replays exactly.
"""

import _thread
import heapq
import itertools
import threading
from collections.abc import Callable

TICK = 1e-6
"""Seconds between an event and those that it sets free."""


class Killed(BaseException):
    """The process that runs this is dead: nothing it does has an effect any more."""


class Process:
    """What dies, or is stopped, as one: a supervisor, a worker.

    Attributes:
        killed: its actors get ``Killed`` at whatever they do next.
        ever_unclean: a fault has made its numbers inexact.
        stopped_until: SIGSTOP: its actors get no turn before then.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.killed = False
        self.ever_unclean = False
        self.stopped_until = 0.0
        self.actors: list[Actor] = []


class Actor:
    """A thread that runs only when it is its turn."""

    def __init__(self, name: str, process: Process, body: Callable[[], object]) -> None:
        self.name = name
        self.process = process
        self.body = body
        self.turn = 0  # of its waits; an older wake-up finds another number
        self.waiting = self.over = self.started = self.killed = False
        self.lock = _thread.allocate_lock()
        self.lock.acquire()


class Kernel:
    """The clock, the queue of what is due, and whose turn it is.

    Attributes:
        now: simulated seconds.
        failure: the first broken promise; ends the run.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        self.failure: BaseException | None = None
        self._due: list[tuple[float, int, Actor | Callable[[], object], int]] = []
        self._numbers = itertools.count()
        self._actors: list[Actor] = []
        self._main = Actor("main", Process("main"), lambda: None)
        self._main.started = True
        self.current = self._main

    # -- for those who are run ----------------------------------------------------------

    def spawn(self, process: Process, name: str, body: Callable[[], object]) -> Actor:
        """A new actor of the process; its first turn comes soon."""
        actor = Actor(name, process, body)
        process.actors.append(actor)
        self._actors.append(actor)
        actor.waiting = True
        self.wake(actor)
        return actor

    def wait(self, seconds: float | None = None) -> None:
        """Give the turn away, for so long or until ``wake``. May return early: ask again.

        Raises:
            Killed: the process died meanwhile.
        """
        me = self.current
        self.check()
        me.turn += 1
        me.waiting = True
        if seconds is not None:
            self._push(self.now + max(seconds, TICK), me, me.turn)
        self._give_turn(me)
        me.waiting = False
        self.check()

    def check(self) -> None:
        """Raise ``Killed`` if the one whose turn it is has died, or the run has failed."""
        me = self.current
        if me is self._main:
            if self.failure is not None:
                raise self.failure
        elif me.killed or me.process.killed or self.failure is not None:
            raise Killed

    def sleep(self, seconds: float) -> None:
        """Wait for that long, whatever wakes us."""
        until = self.now + seconds
        while self.now < until - TICK / 2:
            self.wait(until - self.now)

    def wake(self, actor: Actor) -> None:
        """Let it have its next turn now, if it waits."""
        if actor.waiting:
            self._push(self.now + TICK, actor, actor.turn)

    def later(self, seconds: float, call: Callable[[], object]) -> None:
        """Call it then, on nobody's behalf; it may not wait."""
        self._push(self.now + max(seconds, TICK), call, 0)

    # -- life and death -----------------------------------------------------------------

    def kill(self, process: Process) -> None:
        """SIGKILL: none of its actors does anything any more."""
        process.killed = True
        for actor in process.actors:
            self.wake(actor)

    def exit(self, process: Process) -> None:
        """The one whose turn it is ends its process in order; its other actors end with it."""
        for actor in process.actors:
            actor.killed = actor is not self.current
            self.wake(actor)

    def stop(self, process: Process, until: float) -> None:
        """SIGSTOP until then."""
        process.stopped_until = until

    def fail(self, error: BaseException) -> None:
        """A promise is broken: the run ends with this. The first one counts."""
        self.failure = self.failure or error

    def close(self) -> None:
        """End every thread; each finds itself killed."""
        self.failure = self.failure or Killed()
        while living := [actor for actor in self._actors if not actor.over and actor.started]:
            self.current = living[0]
            self._due = []
            living[0].lock.release()
            self._main.lock.acquire()

    # -- turns ------------------------------------------------------------------------------

    def _push(self, at: float, what: Actor | Callable[[], object], turn: int) -> None:
        heapq.heappush(self._due, (at, next(self._numbers), what, turn))

    def _give_turn(self, me: Actor) -> None:
        other = self._next()
        if other is me:
            return
        self._resume(other)
        if not me.over:
            me.lock.acquire()

    def _resume(self, actor: Actor) -> None:
        self.current = actor
        if actor.started:
            actor.lock.release()
        else:
            actor.started = True
            threading.Thread(target=self._run, args=(actor,), daemon=True).start()

    def _run(self, actor: Actor) -> None:
        actor.waiting = False
        try:
            self.check()
            actor.body()
        except Killed:
            pass
        except BaseException as error:
            self.fail(error)
        actor.over = True
        self._give_turn(actor)

    def _next(self) -> Actor:
        """Move the clock to whoever is due, running calls on the way."""
        while self._due and self.failure is None:
            at, _, what, turn = heapq.heappop(self._due)
            self.now = max(self.now, at)
            if not isinstance(what, Actor):
                self._call(what)
            elif what.waiting and what.turn == turn and not what.over:
                if not self._held_up(what, turn):
                    return what
        if self.failure is None:
            self.fail(AssertionError("everybody waits for ever"))
        return self._main

    def _held_up(self, actor: Actor, turn: int) -> bool:
        process = actor.process
        if process.killed or process.stopped_until <= self.now:
            return False
        if process.stopped_until < float("inf"):
            self._push(process.stopped_until, actor, turn)
        return True

    def _call(self, call: Callable[[], object]) -> None:
        try:
            call()
        except BaseException as error:
            self.fail(error)
