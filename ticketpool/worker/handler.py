"""A handler: the user's function, turned into one call per record, or per batch of them.

The annotation of the first parameter decides the decoding, once, here.
"""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from ticketpool.core.model import Context, Drain, Record, Ticket, from_millis
from ticketpool.ipc.frames import Records
from ticketpool.worker.decoding import Undecodable, decoder_for, reason
from ticketpool.worker.hooks import Hooks
from ticketpool.worker.signature import (
    batch_of,
    check_context,
    hints_of,
    is_async,
    parameters_of,
)

if TYPE_CHECKING:
    from ticketpool.worker.loop import Loop

Call = Callable[[Records, int, int], Any]
"""``call(batch, i, attempt)`` runs the handler with the batch's i-th record. Of an async handler
it returns what is to be awaited; what a plain one returns is ignored."""


class Handler:
    """A loaded handler.

    Attributes:
        name: by which it was loaded, for messages.
        function: the user's callable.
        is_async: its calls return what is to be awaited.
        is_batch: it is called with lists: ``batch_call_for``, not ``call_for``.
        wants_record: whether key, headers and timestamp must cross the pipe.
        closes: whether it has something to close.
    """

    def __init__(
        self, name: str, function: Callable[..., object], hooks: Hooks | None = None
    ) -> None:
        self.name = name
        self.function = function
        self.is_async = is_async(name, function)
        parameters = parameters_of(name, function)
        hints = hints_of(name, function)
        payload = hints.get(parameters[0], Ticket)
        of_batch = batch_of(name, payload)
        self.is_batch = of_batch is not None
        self._payload = payload if of_batch is None else of_batch
        self._with_context = len(parameters) == 2
        if self._with_context and parameters[1] in hints:
            check_context(name, hints[parameters[1]], batch=self.is_batch)
        self._decode = decoder_for(name, self._payload)
        self.wants_record = self._with_context or self._payload is Record
        self._hooks = hooks or Hooks()
        self._hooks.check(name)
        self.closes = self._hooks.closes

    @property
    def loop(self) -> "Loop":
        """The event loop of this process, which begins to run when it is first asked for."""
        from ticketpool.worker.loop import shared  # a plain handler does without uvloop

        return shared()

    def open(self) -> None:
        """Call the handler's own ``open``, if it is of a class that has one.

        Raises:
            HandlerError: it has raised.
        """
        self._hooks.open(self.name, self._wait, on_loop=self.is_async)

    def close(self, seconds: float) -> None:
        """The same of ``close``, when no call will come any more; in so much time."""
        if self.closes:
            self._hooks.close(self.name, self._wait, seconds, on_loop=self.is_async)

    def _wait(self, work: Coroutine[Any, Any, None]) -> None:
        self.loop.wait_for(work)

    def call_for(self, topic: str, partition: int, worker: int, drain: Drain | None = None) -> Call:
        """The call for a lane: decode, then the handler with one or two arguments.

        Args:
            drain: for the contexts: whether the lane is being closed.
        """
        handle, decode = self.function, self._decode
        if self._payload is Record:
            return self._record_call(topic, partition, worker, drain or Drain())
        if self._with_context:
            return self._call_with_context(topic, partition, worker, drain or Drain())

        def call(batch: Records, i: int, attempt: int) -> object:
            value = batch.values[i]
            try:  # here, and not around ``decode``: one call less for each record
                payload = decode(value)
            except Undecodable:
                raise
            except Exception as error:  # also UnicodeDecodeError and RecursionError
                raise Undecodable(reason(value, error)) from error
            return handle(payload)

        return call

    def _call_with_context(self, topic: str, partition: int, worker: int, drain: Drain) -> Call:
        handle, decode = self.function, self._decode

        def call(batch: Records, i: int, attempt: int) -> object:
            value = batch.values[i]
            try:
                payload = decode(value)
            except Undecodable:
                raise
            except Exception as error:  # also UnicodeDecodeError and RecursionError
                raise Undecodable(reason(value, error)) from error
            return handle(payload, _context(batch, i, attempt, topic, partition, worker, drain))

        return call

    def _record_call(self, topic: str, partition: int, worker: int, drain: Drain) -> Call:
        handle, with_context = self.function, self._with_context

        def call(batch: Records, i: int, attempt: int) -> object:
            record = Record(  # here, and not by _record: one call less, as above
                topic,
                partition,
                batch.offset(i),
                batch.keys[i],
                batch.values[i],
                batch.headers[i],
                from_millis(batch.timestamps[i]),
            )
            if not with_context:
                return handle(record)
            return handle(record, _context(batch, i, attempt, topic, partition, worker, drain))

        return call

    def batch_call_for(
        self, topic: str, partition: int, worker: int, drain: Drain | None = None
    ) -> "BatchCall":
        """The same for a lane of a batch handler."""
        drain = drain or Drain()

        def context(batch: Records, i: int, attempt: int) -> Context:
            return _context(batch, i, attempt, topic, partition, worker, drain)

        return BatchCall(
            self.function,
            self._payload_of(topic, partition),
            context if self._with_context else None,
            is_async=self.is_async,
        )

    def _payload_of(self, topic: str, partition: int) -> Callable[[Records, int], Any]:
        if self._payload is Record:
            return lambda batch, i: _record(batch, i, topic, partition)
        decode = self._decode

        def payload(batch: Records, i: int) -> Any:
            value = batch.values[i]
            try:
                return decode(value)
            except Undecodable:
                raise
            except Exception as error:  # as above
                raise Undecodable(reason(value, error)) from error

        return payload


class BatchCall:
    """The calls of a batch handler, for one lane.

    Attributes:
        payload: ``payload(batch, i)`` decodes a record. Raises ``Undecodable``.
    """

    def __init__(
        self,
        handle: Callable[..., Any],
        payload: Callable[[Records, int], Any],
        context: Callable[[Records, int, int], Context] | None,
        *,
        is_async: bool,
    ) -> None:
        self.payload = payload
        self._handle = handle
        self._context = context
        self._is_async = is_async

    async def run(self, payloads: list[Any], places: list[tuple[Records, int, int]]) -> None:
        """Call the handler. Raises whatever it raises.

        Args:
            places: of each record: its frame, its index there, and which attempt this is.
        """
        if self._context is None:
            result = self._handle(payloads)
        else:
            result = self._handle(payloads, [self._context(*place) for place in places])
        if self._is_async:
            await result
        else:
            refuse_awaitable(result)


def refuse_awaitable(result: object) -> None:
    """What a plain handler returns is ignored, but not a call that was never made.

    Raises:
        TypeError: it is a coroutine, of an async function behind a plain decorator say.
    """
    if hasattr(result, "__await__"):
        if isinstance(result, Coroutine):
            result.close()
        raise TypeError(
            "the handler returned something to be awaited; make it an async def, and what "
            "decorates it too"
        )


def _record(batch: Records, i: int, topic: str, partition: int) -> Record:
    return Record(
        topic,
        partition,
        batch.offset(i),
        batch.keys[i],
        batch.values[i],
        batch.headers[i],
        from_millis(batch.timestamps[i]),
    )


def _context(
    batch: Records, i: int, attempt: int, topic: str, partition: int, worker: int, drain: Drain
) -> Context:
    return Context(
        topic,
        partition,
        batch.offset(i),
        batch.keys[i],
        batch.headers[i],
        from_millis(batch.timestamps[i]),
        attempt,
        worker,
        drain,
    )
