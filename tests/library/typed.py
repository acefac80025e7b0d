"""What mypy accepts of a user's code and what it refuses: an ignore too many is an error.

Checked by ``tox -e lint``; never run.
"""

from typing import assert_type

from ticketpool import AsyncProducer, Context, Delivery, Pool, Producer, Record, Ticket
from ticketpool.library.delivery import Written
from ticketpool.testing import Result, Start, run


class Order:
    number: int


def one(ticket: Ticket) -> None: ...
def two(order: Order, context: Context) -> str:
    return ""


def record(record: Record, context: Context) -> None: ...
def batch(tickets: list[Ticket]) -> None: ...
async def later(ticket: Ticket, context: Context) -> None: ...


class Shop:
    def __call__(self, ticket: Ticket) -> None: ...


def none() -> None: ...
def three(ticket: Ticket, context: Context, more: int) -> None: ...
def other(ticket: Ticket, context: int) -> None: ...


def pools() -> None:
    Pool(one)
    Pool(two)
    Pool(record)
    Pool(batch)
    Pool(later)
    Pool(Shop)
    Pool("shop:handle", topics="tickets", workers=4, properties={"sasl.mechanism": "PLAIN"})
    Pool(none)  # type: ignore[arg-type]
    Pool(three)  # type: ignore[arg-type]
    Pool(other)  # type: ignore[arg-type]
    Pool(7)  # type: ignore[arg-type]
    Pool(one, wrokers=4)  # type: ignore[call-arg]
    Pool(one, workers="4")  # type: ignore[arg-type]
    Pool(one, on_failure="panic")  # type: ignore[arg-type]


def producers(producer: Producer) -> None:
    sent = producer.send("orders", {"number": 1}, key="a", headers=[("h", b"")])
    assert_type(sent, Delivery)
    assert_type(sent.result(timeout=1), Written)
    producer.send("orders", 1, "a")  # type: ignore[call-arg]
    producer.send("orders", 1, key=5)  # type: ignore[arg-type]


async def coroutines(producer: AsyncProducer) -> None:
    assert_type(await (await producer.send("orders", None)), Written)


def tests(ticket_pool: Start) -> None:
    assert_type(run(two, [b""]), Result)
    run(three, [b""])  # type: ignore[arg-type]
    ticket_pool(one, workers=2, timeout=5).produce(b"", key="a")
    ticket_pool(one, wrokers=2)  # type: ignore[call-arg]
