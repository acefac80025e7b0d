"""The handler in the picture of the page: most of what it does works, some does not."""

import os
import random
import time
from pathlib import Path

from ticketpool import Context, Reject, Ticket

_CRASHED = Path("crashed")


def handle(ticket: Ticket, context: Context) -> None:
    """Wait in one partition for a lock that nobody gives back; die once; reject some."""
    if context.partition == 3 and context.offset >= 3000:
        time.sleep(3600)
    if context.partition == 5 and context.offset == 1500 and not _CRASHED.exists():
        _CRASHED.touch()
        os._exit(1)
    if ticket.order_id % 15_000 == 13:
        raise Reject(f"no customer has order {ticket.order_id}")
    if random.random() < 0.00003 and context.attempt == 1:
        raise ConnectionError("the shop's database is away for a moment")
    time.sleep(random.expovariate(1200))
