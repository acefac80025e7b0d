"""FastStream on confluent-kafka: a batch subscriber in one process, on uvloop.

``batch=True`` with ``max_records`` is what its documentation has for many small messages. A
custom decoder makes the tickets by msgspec; with ``apply_types=False`` the framework does not
convert them a second time. Acknowledging is left at its default for Kafka, commits in the
background: the fastest, though it may commit what a crash left unhandled. The logger is off.
The watch starts when the first batch reaches the decoder.
"""

import asyncio
from typing import Any

import uvloop
from faststream.confluent import KafkaBroker

from benchmarks.peers.job import Job, Stopwatch, decode, job
from ticketpool.core.model import Ticket

_BATCH = 1000


async def main(told: Job) -> None:
    """Do the job."""
    broker = KafkaBroker(
        told.bootstrap, logger=None, apply_types=False, config={"fetch.queue.backoff.ms": 10}
    )
    watch, done = Stopwatch(told.count), asyncio.Event()

    async def decoded(message: Any) -> list[Ticket]:
        watch.start()
        return [decode(value) for value in message.body]

    async def handle(tickets: list[Ticket]) -> None:
        for ticket in tickets:
            told.handle(ticket)
        if watch.handled(len(tickets)):
            done.set()

    broker.subscriber(
        told.topic, group_id=told.group, auto_offset_reset="earliest", batch=True,
        max_records=_BATCH, polling_interval=0.01, decoder=decoded,
    )(handle)  # fmt: skip
    async with broker:
        await broker.start()
        await done.wait()
    watch.tell()  # the end of the block has committed


if __name__ == "__main__":
    uvloop.run(main(job()))
