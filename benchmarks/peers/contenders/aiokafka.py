"""aiokafka: a loop over ``getmany`` in one process, on uvloop.

Its documentation names ``getmany`` as the way to batches; without ``max_records`` it hands
over all that is fetched. ``check_crcs`` is off, as the documentation advises for speed (and as
librdkafka's default is). Positions are committed in the background and at the end.

The watch starts when the partitions are assigned. The first ``getmany`` returns some hundred
thousand tickets with most of the work on them done; to start behind it would leave that out.
"""

from collections.abc import Iterable

import uvloop
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from benchmarks.peers.job import Job, Stopwatch, decode, job


class Start(ConsumerRebalanceListener):
    """Starts the watch."""

    def __init__(self, watch: Stopwatch) -> None:
        self._watch = watch

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Nothing: nobody else is in the group."""

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        if assigned:
            self._watch.start()


async def main(told: Job) -> None:
    """Do the job."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=told.bootstrap,
        group_id=told.group,
        auto_offset_reset="earliest",
        check_crcs=False,
    )
    watch = Stopwatch(told.count)
    consumer.subscribe([told.topic], listener=Start(watch))
    await consumer.start()
    try:
        while watch.left > 0:
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                for record in records:
                    told.handle(decode(record.value))
                watch.handled(len(records))
    finally:
        await consumer.stop()  # commits
    watch.tell()


if __name__ == "__main__":
    uvloop.run(main(job()))
