"""What handlers send: written by the supervisor; a ticket is held until its outputs are safe."""

import time
from collections.abc import Callable, Sequence
from itertools import groupby
from operator import attrgetter, itemgetter

from ticketpool import log
from ticketpool.core.lane import Lane
from ticketpool.core.outputs import Output
from ticketpool.ipc.frames import Ack, Dead
from ticketpool.kafka.outlet import Carrier, Outgoing
from ticketpool.supervisor.failures import Failures
from ticketpool.supervisor.naming import where

MAX_BYTES = 64 << 20
"""Of outputs of all lanes that are not acknowledged: then no lane is fed until there are fewer."""

_TELL_SECONDS = 30.0  # between two words about the same topic

_log = log.get("ticketpool.supervisor")


class _Ticket:
    """A record that waits for its outputs. ``dead``: one was refused, it waits for its letter."""

    __slots__ = ("dead", "lane", "left", "offset")

    def __init__(self, lane: Lane, offset: int, left: int) -> None:
        self.lane, self.offset, self.left = lane, offset, left
        self.dead = False


class Outputs:
    """*Supervisor side.* Has outputs written, and releases the tickets whose outputs all are.

    A record that can't ever be written (too large for its topic) makes its ticket fail for
    good, as ``--on-failure`` says. What others can mend (no such topic, no right to write)
    is waited for, as for dead letters: nothing is lost, and only the lanes that send there
    come to a halt, when they have used up their window.
    """

    def __init__(
        self, carrier: Carrier, failures: Failures, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._carrier = carrier
        self._failures = failures
        self._clock = clock
        self._bytes = 0
        self._told: dict[str, float] = {}

    @property
    def full(self) -> bool:
        """Whether no more should be asked for."""
        return self._bytes > MAX_BYTES

    def hold(self, lane: Lane, ack: Ack) -> None:
        """Hold the records of an ack that are dead or have sent something, and write what is
        to be written for them. Call before they are settled."""
        sent = [list(one) for _, one in groupby(ack.sent, key=attrgetter("offset"))]
        held: list[tuple[int, Dead | list[Output]]] = [(one[0].offset, one) for one in sent]
        held += [(dead.offset, dead) for dead in ack.dead]
        for _, what in sorted(held, key=itemgetter(0)):  # as the ledger has to hold them
            if isinstance(what, Dead):
                self._failures.failed(lane, what)
            else:
                self._sent(lane, what)

    def _sent(self, lane: Lane, outputs: Sequence[Output]) -> None:
        ticket = _Ticket(lane, outputs[0].offset, len(outputs))
        lane.ledger.hold(ticket.offset)
        lane.sending += 1
        for output in outputs:
            self._count(lane, output.size)
            self._carrier.send(_Sent(self, ticket, output))

    def forget(self, lane: Lane) -> None:
        """The lane's partition is given up: whoever gets it sends again. Its dead letters, too."""
        self._count(lane, -lane.ledger.output_bytes)
        self._carrier.forget(lane.partition)

    def _count(self, lane: Lane, size: int) -> None:
        self._bytes += size
        lane.ledger.output_bytes += size

    def done_with(self, ticket: _Ticket, size: int) -> None:
        """An output of the ticket is written, or never will be."""
        ticket.left -= 1
        if ticket.lane.ledger.output_bytes:  # else its lane was forgotten
            self._count(ticket.lane, -size)
        if not ticket.left and not ticket.dead:
            ticket.lane.sending -= 1
            ticket.lane.ledger.release(ticket.offset)

    def refused(self, ticket: _Ticket, topic: str, why: str) -> None:
        """The ticket has failed for good: none of its outputs may be missing unnoticed."""
        if ticket.dead:
            return
        ticket.dead = True
        ticket.lane.sending -= 1
        what = f"what it sent to topic {topic!r} can never be written: {why}"
        self._failures.refused(ticket.lane, Dead(ticket.offset, 1, "OutputRefused", what, False))

    def delayed(self, ticket: _Ticket, topic: str, why: str, seconds: float) -> None:
        """Say so, once in a while for each topic."""
        now = self._clock()
        if now - self._told.get(topic, -_TELL_SECONDS) < _TELL_SECONDS:
            return
        self._told[topic] = now
        _log.error(
            "output not written, the partition waits",
            **where(ticket.lane),
            offset=ticket.offset,
            output_topic=topic,
            error=why,
            again_in_seconds=seconds,
            mend="create the topic, or allow this user to write to it; nothing is lost meanwhile",
        )


class _Sent(Outgoing):
    """An output until it is acknowledged."""

    def __init__(self, outputs: Outputs, ticket: _Ticket, output: Output) -> None:
        super().__init__(
            ticket.lane.partition,
            ticket.offset,
            output.topic,
            output.key,
            output.value,
            output.headers,
        )
        self._outputs, self._ticket, self._size = outputs, ticket, output.size

    @property
    def void(self) -> bool:
        return self._ticket.dead

    def written(self) -> None:
        self._outputs.done_with(self._ticket, self._size)

    def refused(self, why: str) -> bool:
        self._outputs.refused(self._ticket, self.topic, why)
        self._outputs.done_with(self._ticket, self._size)
        return True

    def delayed(self, why: str, failures: int, seconds: float) -> None:
        self._outputs.delayed(self._ticket, self.topic, why, seconds)
