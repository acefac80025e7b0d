"""pyrallel-consumer: the process engine with two processes, order kept by key.

The settings are the profile "High Throughput" of its docs/operations/playbooks.md: a process
per core, ``poll_batch_size`` 2,000, ``max_in_flight`` 2,000, batches of 256 to the processes,
a queue of 4,096, a task's timeout of 5 s. Ordering is its default, by key. Its Kafka settings
have no place for ``fetch.queue.backoff.ms``.

The watch starts when the first ticket reaches a process, some milliseconds late. The count is
kept in memory that the processes share; nothing is locked.
"""

import asyncio
import time
from multiprocessing import RawArray, Value

from pyrallel_consumer.config import KafkaConfig
from pyrallel_consumer.consumer import PyrallelConsumer
from pyrallel_consumer.dto import ExecutionMode, WorkItem

from benchmarks.peers.job import Job, decode, job, tell

PROCESSES = 2
_told = job()
_slots = Value("i", 0)
_handled = RawArray("l", PROCESSES)
_first = RawArray("d", PROCESSES)
_last = RawArray("d", PROCESSES)
_slot: int | None = None


def work(item: WorkItem) -> None:
    """In a worker process: decode, handle, count."""
    slot = _slot if _slot is not None else _begin()
    _told.handle(decode(item.payload))
    _handled[slot] += 1
    _last[slot] = time.monotonic()


def _begin() -> int:
    global _slot
    with _slots:
        _slot, _slots.value = _slots.value, _slots.value + 1
    _first[_slot] = time.monotonic()
    return _slot


async def main(told: Job) -> None:
    """Do the job."""
    consumer = PyrallelConsumer(config=_config(told), worker=work, topic=told.topic)
    await consumer.start()
    try:
        while sum(_handled) < told.count or not _committed(consumer):  # noqa: ASYNC110 - processes set no Event
            await asyncio.sleep(0.02)
    finally:
        await consumer.stop()
    tell(sum(_handled), max(_last) - min(time for time in _first if time))


def _committed(consumer: PyrallelConsumer) -> bool:
    return not any(one.true_lag for one in consumer.get_metrics().partitions)


def _config(told: Job) -> KafkaConfig:
    config = KafkaConfig(
        BOOTSTRAP_SERVERS=[told.bootstrap], CONSUMER_GROUP=told.group, AUTO_OFFSET_RESET="earliest"
    )
    parallel = config.parallel_consumer
    parallel.poll_batch_size = 2000
    parallel.execution.mode = ExecutionMode.PROCESS
    parallel.execution.max_in_flight = 2000
    process = parallel.execution.process_config
    process.process_count = PROCESSES
    process.batch_size = 256
    process.queue_size = 4096
    process.task_timeout_ms = 5000
    return config


if __name__ == "__main__":
    asyncio.run(main(_told))
