"""Handlers and middlewares that have to be named: ``tests.testing.stores:NAME``."""

from typing import Any

from ticketpool import Context, Next, Ticket

told: list[str | int] = []
"""What the store was told, in this process."""


class Store:
    """Notes its life."""

    def open(self) -> None:
        told.append("open")

    def __call__(self, ticket: Ticket) -> None:
        told.append(ticket.order_id)

    def close(self) -> None:
        told.append("close")


def twice(payload: Any, context: Context, call_next: Next[Any]) -> None:
    call_next(payload, context)
    call_next(payload, context)
