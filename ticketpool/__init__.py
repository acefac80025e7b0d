"""Kafka consumers in Python that keep order and use every core.

Hand over one function, ``handle(ticket)``; ``ticketpool run`` does the rest.
"""

from ticketpool.core.model import Context, PartialFailure, Record, Reject, Ticket
from ticketpool.middleware import AsyncNext, Next

__all__ = ["AsyncNext", "Context", "Next", "PartialFailure", "Record", "Reject", "Ticket"]
__version__ = "0.1.0"
