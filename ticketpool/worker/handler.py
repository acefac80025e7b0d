"""A handler: the user's function, turned into one call per record.

The annotation of the first parameter decides the decoding, once, here.
"""

from collections.abc import Callable, Sequence

from ticketpool.core.model import Context, Record, from_millis
from ticketpool.errors import HandlerUnsupported
from ticketpool.ipc.frames import Records
from ticketpool.worker.decoding import JSON, Codec, Undecodable, decoder_for
from ticketpool.worker.finding import is_awaited
from ticketpool.worker.middleware import Chain, Link
from ticketpool.worker.reasons import reason
from ticketpool.worker.signature import hints_of, parameters_of, shown

Call = Callable[[Records, int, int], None]
"""``call(batch, i, attempt)`` runs the handler with the batch's i-th record."""


class Handler:
    """A loaded handler.

    Attributes:
        function: the user's callable.
        wants_record: whether key, headers and timestamp must cross the pipe.
    """

    def __init__(
        self,
        name: str,
        function: Callable[..., object],
        *,
        codec: Codec = JSON,
        middleware: Sequence[Link] = (),
    ) -> None:
        self.function = function
        parameters = parameters_of(name, function)
        hints = hints_of(name, function)
        self._payload = hints.get(parameters[0], codec.unannotated)
        takes_context = len(parameters) == 2
        if takes_context and hints.get(parameters[1], Context) is not Context:
            raise HandlerUnsupported(
                f"handler {name}: its second parameter is annotated "
                f"{shown(hints[parameters[1]])}; it gets a ticketpool.Context"
            )
        self._decode = decoder_for(name, self._payload, codec)
        self._chain = Chain(
            name, middleware, is_async=is_awaited(function), takes_context=takes_context
        )
        self._with_context = takes_context or bool(middleware)
        self.wants_record = self._with_context or self._payload is Record

    def call_for(self, topic: str, partition: int, worker: int) -> Call:
        """The call for a lane: decode, then the handler with one or two arguments."""
        if self._payload is Record:
            return self._record_call(topic, partition, worker)
        if self._with_context:
            return self._call_with_context(topic, partition, worker)
        handle, decode = self._chain.for_lane(self.function), self._decode

        def call(batch: Records, i: int, attempt: int) -> None:
            value = batch.values[i]
            try:  # here, and not around ``decode``: one call less for each record
                payload = decode(value)
            except (Undecodable, OSError):  # OSError: a hook's registry is away, so try again
                raise
            except Exception as error:  # also UnicodeDecodeError and RecursionError
                raise Undecodable(reason(value, error)) from error
            handle(payload)

        return call

    def _call_with_context(self, topic: str, partition: int, worker: int) -> Call:
        handle, decode = self._chain.for_lane(self.function), self._decode

        def call(batch: Records, i: int, attempt: int) -> None:
            value = batch.values[i]
            try:
                payload = decode(value)
            except (Undecodable, OSError):  # OSError: a hook's registry is away, so try again
                raise
            except Exception as error:  # also UnicodeDecodeError and RecursionError
                raise Undecodable(reason(value, error)) from error
            handle(payload, _context(batch, i, attempt, topic, partition, worker))

        return call

    def _record_call(self, topic: str, partition: int, worker: int) -> Call:
        handle, with_context = self._chain.for_lane(self.function), self._with_context

        def call(batch: Records, i: int, attempt: int) -> None:
            record = Record(
                topic,
                partition,
                batch.offset(i),
                batch.keys[i],
                batch.values[i],
                batch.headers[i],
                from_millis(batch.timestamps[i]),
            )
            if with_context:
                handle(record, _context(batch, i, attempt, topic, partition, worker))
            else:
                handle(record)

        return call


def _context(
    batch: Records, i: int, attempt: int, topic: str, partition: int, worker: int
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
    )
