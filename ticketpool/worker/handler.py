"""A handler: the user's function, turned into one call per record.

The annotation of the first parameter decides the decoding, once, here.
"""

from collections.abc import Callable

from ticketpool.core.model import Context, Record, Ticket, from_millis
from ticketpool.core.outputs import Outbox, close
from ticketpool.errors import HandlerUnsupported
from ticketpool.ipc.frames import Records
from ticketpool.worker.decoding import Undecodable, decoder_for, reason
from ticketpool.worker.signature import hints_of, parameters_of, shown

Call = Callable[[Records, int, int], None]
"""``call(batch, i, attempt)`` runs the handler with the batch's i-th record."""
Collect = Callable[[Outbox], None]


class Handler:
    """A loaded handler.

    Attributes:
        function: the user's callable.
        wants_record: whether key, headers and timestamp must cross the pipe.
    """

    def __init__(self, name: str, function: Callable[..., object]) -> None:
        self.function = function
        parameters = parameters_of(name, function)
        hints = hints_of(name, function)
        self._payload = hints.get(parameters[0], Ticket)
        self._with_context = len(parameters) == 2
        if self._with_context and hints.get(parameters[1], Context) is not Context:
            raise HandlerUnsupported(
                f"handler {name}: its second parameter is annotated "
                f"{shown(hints[parameters[1]])}; it gets a ticketpool.Context"
            )
        self._decode = decoder_for(name, self._payload)
        self.wants_record = self._with_context or self._payload is Record

    def call_for(self, topic: str, partition: int, worker: int, collect: Collect = close) -> Call:
        """The call for a lane: decode, then the handler with one or two arguments.

        ``collect`` gets what it has sent, when it has returned.
        """
        handle, decode = self.function, self._decode
        if self._payload is Record:
            return self._record_call(topic, partition, worker, collect)
        if self._with_context:
            return self._call_with_context(topic, partition, worker, collect)

        def call(batch: Records, i: int, attempt: int) -> None:
            value = batch.values[i]
            try:  # here, and not around ``decode``: one call less for each record
                payload = decode(value)
            except Undecodable:
                raise
            except Exception as error:  # also UnicodeDecodeError and RecursionError
                raise Undecodable(reason(value, error)) from error
            handle(payload)

        return call

    def _call_with_context(self, topic: str, partition: int, worker: int, collect: Collect) -> Call:
        handle, decode = self.function, self._decode

        def call(batch: Records, i: int, attempt: int) -> None:
            value = batch.values[i]
            try:
                payload = decode(value)
            except Undecodable:
                raise
            except Exception as error:  # also UnicodeDecodeError and RecursionError
                raise Undecodable(reason(value, error)) from error
            context = _context(batch, i, attempt, topic, partition, worker)
            handle(payload, context)
            collect(context._outbox)

        return call

    def _record_call(self, topic: str, partition: int, worker: int, collect: Collect) -> Call:
        handle, with_context = self.function, self._with_context

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
                context = _context(batch, i, attempt, topic, partition, worker)
                handle(record, context)
                collect(context._outbox)
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
