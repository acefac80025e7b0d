"""aiokafka: a loop over ``getmany`` in one process, on uvloop.

Its documentation names ``getmany`` as the way to batches; without ``max_records`` it hands
over all that is fetched. ``check_crcs`` is off, as the documentation advises for speed (and as
librdkafka's default is). Positions are committed in the background and at the end.
"""

import uvloop
from aiokafka import AIOKafkaConsumer

from benchmarks.peers.job import Job, Stopwatch, decode, job


async def main(told: Job) -> None:
    """Do the job."""
    consumer = AIOKafkaConsumer(
        told.topic,
        bootstrap_servers=told.bootstrap,
        group_id=told.group,
        auto_offset_reset="earliest",
        check_crcs=False,
    )
    watch = Stopwatch(told.count)
    await consumer.start()
    try:
        while watch.left > 0:
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                watch.start()
                for record in records:
                    told.handle(decode(record.value))
                watch.handled(len(records))
    finally:
        await consumer.stop()  # commits
    watch.tell()


if __name__ == "__main__":
    uvloop.run(main(job()))
