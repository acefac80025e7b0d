"""Testing a handler: ``run`` in this process, the fixture ``ticket_pool`` with the real pool.

The fixture comes by itself with pytest, which loads this package before a test's first
line: nothing is imported here until it is asked for.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ticketpool.testing.outcomes import Kind, Outcome, Result
    from ticketpool.testing.real import Start, TicketPool
    from ticketpool.testing.simulated import run

__all__ = ["Kind", "Outcome", "Result", "Start", "TicketPool", "run"]

_HOMES = {
    "Kind": "outcomes",
    "Outcome": "outcomes",
    "Result": "outcomes",
    "Start": "real",
    "TicketPool": "real",
    "run": "simulated",
}


def __getattr__(name: str) -> Any:
    """PEP 562: a public name is imported when it is first used."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
