"""Handlers, a codec and middlewares for several topics; copied to where the service runs.

Each call is noted in a file of its process in the folder $JOURNAL: who, and with what.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ticketpool import Context, Next, Ticket
from ticketpool.middleware import idempotent


class Refund(msgspec.Struct):
    id: str
    amount: int


def _note(*fields: object) -> None:
    with Path(os.environ["JOURNAL"], f"{os.getpid()}.mixed").open("a") as file:
        file.write(" ".join(map(str, fields)) + "\n")


def tickets(ticket: Ticket, context: Context) -> None:
    """Does not like the ticket that tells it so, the first time."""
    _note("tickets", ticket.id, context.key)
    if ticket.data == "raise" and context.attempt == 1:
        raise LookupError(ticket.id)


def refunds(refund: Refund) -> None:
    _note("refunds", refund.id, refund.amount)


def plates(plate: dict[str, int]) -> None:
    _note("plates", plate["id"])


def pairs(kind: Any) -> Callable[[bytes], Any]:
    """A codec: ``name=1,other=2``."""

    def decode(value: bytes) -> Any:
        fields = [field.split("=") for field in value.decode().split(",")]
        return msgspec.convert(dict(fields), kind, strict=False)

    return decode


def timed(payload: Any, context: Context, call_next: Next[Any]) -> None:
    call_next(payload, context)
    _note("timed", context.topic, context.offset)


def _id(payload: Any) -> object:
    return payload["id"] if isinstance(payload, dict) else payload.id


once = idempotent(key=_id)
