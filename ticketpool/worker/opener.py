"""*Worker side.* The lane that a handler's shape asks for."""

from typing import Any

from ticketpool import trace
from ticketpool.config import OnFailure
from ticketpool.core.model import Drain
from ticketpool.core.policy import Backoff
from ticketpool.ipc.channel import Port
from ticketpool.ipc.frames import Hello, Open
from ticketpool.worker.async_lane import AsyncLane
from ticketpool.worker.batch_lane import BatchLane
from ticketpool.worker.handler import Handler
from ticketpool.worker.handlers import Handlers
from ticketpool.worker.lane import Lane, Rules
from ticketpool.worker.outputs import LaneOutputs
from ticketpool.worker.parked import LaneKeys
from ticketpool.worker.place import OnLoop, OwnThread, Place
from ticketpool.worker.where import Where


class Opener:
    """Opens the lanes of one worker process."""

    def __init__(
        self, handlers: Handlers, hello: Hello, port: Port[Any], cells: memoryview
    ) -> None:
        self._handlers = handlers
        self._slot, self._most_parked = hello.slot, hello.max_parked_keys
        self._port = port
        self._cells = cells
        self._rules = Rules(
            hello.retries,
            Backoff(hello.backoff_seconds, hello.backoff_max_seconds),
            hello.on_failure == OnFailure.STOP,
            hello.silence_seconds,
            hello.batch_size,
            hello.batch_seconds,
        )

    def open(self, opened: Open) -> Lane:
        """A lane at work: in a thread of its own, or of an async handler on the event loop."""
        handler, drain = self._handlers.of(opened.topic), Drain()
        topic, partition = opened.topic, opened.partition
        outputs = LaneOutputs(self._cells, opened.index)
        where = Where(topic, partition, self._slot, drain, outputs.collect)
        shared = self._rules, self._port, self._cells, _place(handler), drain, outputs
        if handler.is_batch:
            return BatchLane(opened, handler.batch_call_for(where), *shared)
        call = handler.call_for(where)
        if self._most_parked:
            keys = LaneKeys(opened, self._most_parked, outputs)
            call = keys.guarded(call, is_async=handler.is_async)
        traced = trace.traced_async if handler.is_async else trace.traced
        call = traced(call, opened.lane, topic, partition)
        return (AsyncLane if handler.is_async else Lane)(opened, call, *shared)


def _place(handler: Handler) -> Place:
    return OnLoop(handler.loop.asyncio) if handler.is_async else OwnThread()
