"""Handlers as users write them pass mypy's strict mode, and what can't work does not.

mypy reads this file with all others (``tox -e lint``): a ``type: ignore`` that nothing needs is
an error there. Here each of them is loaded, so that what is typed is also served.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypedDict

import msgspec
import pytest

from ticketpool import Context, PartialFailure, Record, Reject, Ticket
from ticketpool.worker.loading import load


class Order(msgspec.Struct):
    number: int


@dataclass
class Plan:
    number: int


class Form(TypedDict):
    number: int


def of_ticket(ticket: Ticket) -> None:
    number: int = ticket.order_id
    assert number


def with_context(ticket: Ticket, context: Context) -> None:
    if context.cancelled and context.attempt > 1:
        raise Reject(f"{context.topic}[{context.partition}] {context.offset}: {ticket.id}")


def of_struct(order: Order) -> int:
    return order.number  # what is returned is ignored


def of_dataclass(plan: Plan) -> None: ...
def of_typed_dict(form: Form) -> None: ...
def of_dict(payload: dict[str, int]) -> None: ...
def of_bytes(value: bytes | None) -> None: ...
def of_record(record: Record) -> None: ...


async def of_ticket_async(ticket: Ticket, context: Context) -> None: ...


def of_batch(tickets: list[Ticket]) -> None:
    for index, ticket in enumerate(tickets):
        if not ticket.data:
            raise PartialFailure(index, Reject("no data"))


def of_batch_with_contexts(tickets: list[Ticket], contexts: list[Context]) -> None:
    for ticket, context in zip(tickets, contexts, strict=True):
        assert ticket.order_id >= context.offset


async def of_batch_async(orders: list[Order]) -> None: ...


class Store:
    """Plain methods: called from the thread of each lane."""

    def open(self) -> None:
        self._rows: list[int] = []

    def __call__(self, ticket: Ticket) -> None:
        self._rows.append(ticket.order_id)

    def close(self) -> None:
        self._rows.clear()


class StoreAsync:
    async def open(self) -> None: ...
    async def __call__(self, tickets: list[Ticket], contexts: list[Context]) -> None: ...
    async def close(self) -> None: ...


@pytest.mark.parametrize(
    "handler",
    [
        of_ticket, with_context, of_struct, of_dataclass, of_typed_dict, of_dict, of_bytes,
        of_record, of_ticket_async, of_batch, of_batch_with_contexts, of_batch_async, Store,
        StoreAsync,
    ],
)  # fmt: skip
def test_it_is_served(handler: type) -> None:
    loaded = load(f"{__name__}:{handler.__name__}")
    assert loaded.is_async is ("sync" in handler.__name__.lower())
    assert loaded.is_batch is ("batch" in handler.__name__ or handler is StoreAsync)


def cancelling(context: Context) -> None:
    context.cancelled = True  # type: ignore[misc]  # it is told, not decided


def counting(context: Context) -> None:
    context.attempt = 2  # type: ignore[misc]


def naming_by_text() -> None:
    raise PartialFailure("2", ValueError())  # type: ignore[arg-type]  # an index is a number


def naming_without_an_error() -> None:
    raise PartialFailure(2, "no such customer")  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [cancelling, counting])
def test_a_context_can_only_be_read(wrong: Callable[[Context], None]) -> None:
    with pytest.raises(AttributeError):
        wrong(Context("t", 0, 0, None, (), datetime.now(UTC), 1, 0))
