"""Handlers for embedded pools; they note what they were given in the file $SEEN."""

import os
import time

from ticketpool import Context, Reject, Ticket


def note(ticket: Ticket, context: Context) -> None:
    """A line per ticket: partition, offset, order_id."""
    with open(os.environ["SEEN"], "a") as seen:
        seen.write(f"{context.partition} {context.offset} {ticket.order_id}\n")


def hold(ticket: Ticket) -> None:
    """Never done in time."""
    time.sleep(60)


def reject(ticket: Ticket) -> None:
    raise Reject("none is good")


class Shop:
    """For the names of methods."""

    def handle(self, ticket: Ticket) -> None: ...

    @staticmethod
    def serve(ticket: Ticket) -> None: ...


bound = Shop().handle
nameless = lambda ticket: None  # noqa: E731
alias = note


def factory() -> object:
    def inner(ticket: Ticket) -> None: ...

    return inner
