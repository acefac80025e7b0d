"""What the service in the pictures does: most of it works, some of it does not."""

import random
import time

from ticketpool import Context, Reject, Ticket


def handle(ticket: Ticket, context: Context) -> None:
    """Hang in one partition, fail for a while in another, reject some."""
    where = context.topic, context.partition
    if where == ("tickets", 3) and context.offset >= 400:
        time.sleep(3600)
    if where == ("refunds", 1) and context.offset >= 150:
        raise ConnectionError("the bank does not answer")
    if ticket.order_id % 150 == 13:
        raise Reject("order ids that end in 13 are not served here")
    time.sleep(random.expovariate(250))
