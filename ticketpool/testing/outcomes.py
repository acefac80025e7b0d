"""What ``ticketpool.testing.run`` saw, as values."""

from enum import StrEnum

import msgspec

from ticketpool.core.model import Record
from ticketpool.core.outputs import Output


class Kind(StrEnum):
    """How a ticket ended; each is equal to its text."""

    HANDLED = "handled"
    REJECTED = "rejected"
    DEAD_LETTERED = "dead-lettered"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one ticket.

    Attributes:
        kind: handled, rejected (by ``Reject``) or dead-lettered (failed for good).
        record: what the handler was given, as it would stand in Kafka.
        attempts: calls that were made, 1 and up; also for a payload that does not decode.
        failures: ``"ValueError: its message"`` for each call that failed, in order.
        sent: what the call that succeeded has sent by ``Context.send``, encoded, in order.
    """

    kind: Kind
    record: Record
    attempts: int
    failures: tuple[str, ...] = ()
    sent: tuple[Output, ...] = ()

    @property
    def retries(self) -> int:
        """Calls after the first."""
        return self.attempts - 1

    @property
    def reason(self) -> str | None:
        """Why it was rejected or dead-lettered, as the dead letter says; ``None``: handled."""
        return None if self.kind is Kind.HANDLED else self.failures[-1]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """Of one ``run``. ``outcomes``: one for each ticket, in the order given."""

    outcomes: tuple[Outcome, ...]

    @property
    def ok(self) -> bool:
        """Whether all were handled."""
        return all(one.kind is Kind.HANDLED for one in self.outcomes)

    @property
    def handled(self) -> tuple[Outcome, ...]:
        """Those for which the handler returned."""
        return tuple(one for one in self.outcomes if one.kind is Kind.HANDLED)

    @property
    def dead_letters(self) -> tuple[Outcome, ...]:
        """Those that would be written to the dead-letter topic, rejected ones among them."""
        return tuple(one for one in self.outcomes if one.kind is not Kind.HANDLED)

    @property
    def rejected(self) -> tuple[Outcome, ...]:
        """Those that the handler raised ``Reject`` for."""
        return tuple(one for one in self.outcomes if one.kind is Kind.REJECTED)

    @property
    def sent(self) -> tuple[Output, ...]:
        """What would be written to Kafka, in the order of the tickets."""
        return tuple(output for one in self.outcomes for output in one.sent)

    @property
    def retried(self) -> int:
        """Calls beyond each ticket's first, as ``ticketpool run`` counts them."""
        return sum(one.retries for one in self.outcomes)
