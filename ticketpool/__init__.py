"""Kafka consumers in Python that keep order and use every core.

Hand over one function, ``handle(ticket)``; ``ticketpool run`` does the rest, or
``Pool`` in a program of your own. ``Producer`` is the other end.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ticketpool.core.model import Context, PartialFailure, Record, Reject, Ticket
    from ticketpool.library.delivery import Delivery
    from ticketpool.library.pool import Pool
    from ticketpool.library.producer import AsyncProducer, Producer
    from ticketpool.middleware import AsyncNext, Next

__all__ = [
    "AsyncNext",
    "AsyncProducer",
    "Context",
    "Delivery",
    "Next",
    "PartialFailure",
    "Pool",
    "Producer",
    "Record",
    "Reject",
    "Ticket",
]
__version__ = "0.1.0"

_HOMES = {
    "AsyncNext": "middleware",
    "AsyncProducer": "library.producer",
    "Context": "core.model",
    "Delivery": "library.delivery",
    "Next": "middleware",
    "PartialFailure": "core.model",
    "Pool": "library.pool",
    "Producer": "library.producer",
    "Record": "core.model",
    "Reject": "core.model",
    "Ticket": "core.model",
}


def __getattr__(name: str) -> Any:
    """PEP 562: a public name is imported when it is first used.

    So workers, which import ticketpool too, hold no Kafka client, and our pytest
    plugin costs a test run nothing.
    """
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
