"""A handler: the user's function, turned into one call per record, or per batch of them.

The annotation of the first parameter decides the decoding, once, here.
"""

import inspect
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from ticketpool.core.model import Context, Record
from ticketpool.ipc.frames import Records
from ticketpool.worker.batch_call import BatchCall, refuse_awaitable
from ticketpool.worker.decoding import JSON, Codec, Undecodable, decoder_for
from ticketpool.worker.hooks import Hooks
from ticketpool.worker.loop import LazyLoop, Loop
from ticketpool.worker.middleware import Chain, Link
from ticketpool.worker.reasons import reason
from ticketpool.worker.signature import (
    batch_of,
    check_context,
    hints_of,
    is_async,
    parameters_of,
    shown,
)
from ticketpool.worker.where import Where

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
        self,
        name: str,
        function: Callable[..., object],
        hooks: Hooks | None = None,
        *,
        codec: Codec = JSON,
        middleware: Sequence[Link] = (),
        loop: LazyLoop | None = None,
    ) -> None:
        self.name = name
        self.function = function
        self.is_async = is_async(name, function)
        parameters = parameters_of(name, function)
        hints = hints_of(name, function)
        payload = hints.get(parameters[0], codec.unannotated)
        of_batch = batch_of(name, payload)
        self.is_batch = of_batch is not None
        self._payload = payload if of_batch is None else of_batch
        self._takes_context = takes_context = len(parameters) == 2
        if takes_context and parameters[1] in hints:
            check_context(name, hints[parameters[1]], batch=self.is_batch)
        self._decode = decoder_for(name, self._payload, codec)
        self._chain = Chain(
            name,
            middleware,
            is_async=self.is_async,
            is_batch=self.is_batch,
            takes_context=takes_context,
        )
        self._with_context = takes_context or bool(middleware)
        self.wants_record = self._with_context or self._payload is Record
        self._loop = loop or LazyLoop()
        self._of_class, self._hooks = hooks is not None, hooks or Hooks()
        self._hooks.check(name)
        self.closes = self._hooks.closes

    @property
    def loop(self) -> Loop:
        """The event loop of this process, which begins to run when it is first asked for."""
        return self._loop.get()

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

    @property
    def shape(self) -> str:
        """What it is and gets, in words.

        >>> def handle(ticket, context): ...
        >>> Handler("shop:handle", handle).shape
        'a plain function, gets a Ticket and its Context'
        """
        kind = "function" if inspect.isroutine(self.function) else "object"
        kind = "class" if self._of_class else kind
        payload = shown(self._payload)
        gets = f"batches of {payload}" if self.is_batch else f"a {payload}"
        context = " and their Contexts" if self.is_batch else " and its Context"
        return (
            f"{'an async' if self.is_async else 'a plain'} {kind}, gets {gets}"
            + (context if self._takes_context else "")
            + (", opened once in each worker" if self._hooks.opens else "")
        )

    def call_for(self, where: Where) -> Call:
        """The call for a lane: decode, then the handler with one or two arguments."""
        if self._payload is Record:
            return self._record_call(where)
        if self._with_context:
            return self._call_with_context(where)
        handle, decode = self._chain.for_lane(self.function), self._decode

        def call(batch: Records, i: int, attempt: int) -> object:
            value = batch.values[i]
            try:  # here, and not around ``decode``: one call less for each record
                payload = decode(value)
            except (Undecodable, OSError):  # OSError: a hook's registry is away, so try again
                raise
            except Exception as error:  # also UnicodeDecodeError and RecursionError
                raise Undecodable(reason(value, error)) from error
            return handle(payload)

        return call

    def _call_with_context(self, where: Where) -> Call:
        handle, decode = self._collected(where), self._decode

        def call(batch: Records, i: int, attempt: int) -> object:
            value = batch.values[i]
            try:
                payload = decode(value)
            except (Undecodable, OSError):
                raise
            except Exception as error:  # as above
                raise Undecodable(reason(value, error)) from error
            return handle(payload, where.context(batch, i, attempt))

        return call

    def _record_call(self, where: Where) -> Call:
        if not self._with_context:
            plain = self._chain.for_lane(self.function)
            return lambda batch, i, attempt: plain(where.record(batch, i))
        handle = self._collected(where)

        def call(batch: Records, i: int, attempt: int) -> object:
            return handle(where.record(batch, i), where.context(batch, i, attempt))

        return call

    def _collected(self, where: Where) -> Callable[[Any, Context], object]:
        """The user's function; what it has sent is collected once it has returned."""
        handle, collect = self._chain.for_lane(self.function), where.collect

        def called(payload: Any, context: Context) -> None:
            if (result := handle(payload, context)) is not None:
                refuse_awaitable(result)
            collect(context._outbox)

        async def awaited(payload: Any, context: Context) -> None:
            await handle(payload, context)  # type: ignore[misc]  # it is async
            collect(context._outbox)

        return awaited if self.is_async else called

    def batch_call_for(self, where: Where) -> BatchCall:
        """The same for a lane of a batch handler."""
        return BatchCall(
            self._chain.for_lane(self.function),
            self._payload_of(where),
            where if self._with_context else None,
            is_async=self.is_async,
        )

    def _payload_of(self, where: Where) -> Callable[[Records, int], Any]:
        if self._payload is Record:
            return where.record
        decode = self._decode

        def payload(batch: Records, i: int) -> Any:
            value = batch.values[i]
            try:
                return decode(value)
            except (Undecodable, OSError):
                raise
            except Exception as error:  # as above
                raise Undecodable(reason(value, error)) from error

        return payload
