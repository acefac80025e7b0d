"""What handlers do: each record carries a script."""

import signal
from collections.abc import Callable
from typing import Any

from tests.simulation.broker import Entry
from tests.simulation.children import Worker
from ticketpool.core.model import Reject
from ticketpool.ipc.frames import Records
from ticketpool.worker.decoding import Undecodable
from ticketpool.worker.where import Where


class Handler:
    """``ticketpool.worker.handlers.Handlers`` of one worker, and the handler of every topic."""

    is_async = is_batch = False

    def __init__(self, world: Any, worker: Worker) -> None:
        self._world, self._worker = world, worker

    def of(self, topic: str) -> "Handler":
        """Itself."""
        return self

    def call_for(self, where: Where) -> Callable[[Records, int, int], object]:
        """What a lane calls for each record."""

        def call(batch: Records, i: int, attempt: int) -> None:
            entry: Entry = self._world.entry_of(batch.values[i])
            self._worker.lanes[batch.lane] = entry.log
            self._worker.step()  # begun, as its words say
            self._world.oracle.started(self._worker, batch.lane, entry, attempt)
            self._run(entry, attempt)

        return call

    def _run(self, entry: Entry, attempt: int) -> None:
        self._sleep(entry)
        self._die(entry)
        self._worker.step()
        error = _error(entry)
        final = isinstance(error, Reject | Undecodable) or attempt > self._world.config.retries
        self._world.oracle.ended(self._worker, entry, ok=error is None, final=final)
        if error is not None:
            raise error

    def _sleep(self, entry: Entry) -> None:
        kernel, rng = self._world.kernel, self._world.rng
        if entry.script == "slow":
            kernel.sleep(rng.uniform(0.1, 1.5))
        else:
            kernel.sleep(rng.choice([1e-5, 1e-3, 5e-3]))

    def _die(self, entry: Entry) -> None:
        """Crash or hang, the once or always."""
        always = entry.script in ("poison", "stuck")
        if not always and entry.deaths:
            return
        if entry.script in ("poison", "fragile"):
            self._worker.die(-signal.SIGSEGV)
        elif entry.script in ("stuck", "hangs"):
            while True:
                self._world.kernel.wait(1000.0)
        self._world.kernel.check()


def _error(entry: Entry) -> Exception | None:
    match entry.script:
        case "hopeless":
            return ValueError("as always")
        case "flaky" if entry.calls <= 1 + entry.offset % 2:
            return ValueError("not yet")
        case "reject":
            return Reject("no")
        case "undecodable":
            return Undecodable("not JSON")
    return None
