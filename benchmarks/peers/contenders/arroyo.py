"""sentry-arroyo: ``RunTaskWithMultiprocessing`` with two processes, then ``CommitOffsets``.

As its documentation on tuning says: a batch size found by doubling it until a backlog goes no
faster, blocks in shared memory that hold a batch with room to spare (no overflow), and
``prefetch_batches``, so that the processes need not wait for the step after them. Commits once
a second (``ONCE_PER_SECOND``) and at the end. The consumer's settings are those of arroyo's own
builder, with ``fetch.queue.backoff.ms`` lowered as for the others.

Once the last ticket is submitted the processor is shut down: it would wait a second for
more before it lets go of a batch that is not full, and that is not to count.
"""

from collections.abc import Mapping
from multiprocessing import get_context
from typing import Any

from arroyo.backends.kafka import KafkaConsumer, KafkaPayload, build_kafka_consumer_configuration
from arroyo.commit import ONCE_PER_SECOND
from arroyo.processing import StreamProcessor
from arroyo.processing.strategies import (
    CommitOffsets,
    ProcessingStrategy,
    ProcessingStrategyFactory,
    RunTaskWithMultiprocessing,
)
from arroyo.processing.strategies.run_task_with_multiprocessing import MultiprocessingPool
from arroyo.types import Commit, Message, Partition, Topic

from benchmarks.peers.handlers import HANDLERS
from benchmarks.peers.job import Job, Stopwatch, decode, job

PROCESSES = 2
_BATCH = 2000
_BLOCK_BYTES = 4 << 20  # a batch has some 0.6 MB


def noop(message: Message[KafkaPayload]) -> None:
    """In a worker process: decode, and nothing else."""
    HANDLERS["noop"](decode(message.payload.value))


def cpu(message: Message[KafkaPayload]) -> None:
    """In a worker process: decode, and work."""
    HANDLERS["cpu"](decode(message.payload.value))


_TASKS = {HANDLERS["noop"]: noop, HANDLERS["cpu"]: cpu}  # by name: they are pickled


class Tasks(RunTaskWithMultiprocessing[KafkaPayload, None]):
    """Starts the watch; shuts the processor down behind the last ticket."""

    def __init__(self, strategies: "Strategies", **settings: Any) -> None:
        super().__init__(**settings)
        self._strategies = strategies

    def submit(self, message: Message[Any]) -> None:
        self._strategies.watch.start()
        super().submit(message)  # or raises, and the message comes again
        self._strategies.entered()


class Exit(CommitOffsets):
    """Counts what comes back from the processes."""

    def __init__(self, commit: Commit, watch: Stopwatch) -> None:
        super().__init__(commit)
        self._watch = watch

    def submit(self, message: Message[Any]) -> None:
        super().submit(message)
        self._watch.handled(1)


class Strategies(ProcessingStrategyFactory[KafkaPayload]):
    """What arroyo asks for on each assignment."""

    def __init__(self, told: Job) -> None:
        self.watch = Stopwatch(told.count)
        self.processor: StreamProcessor[KafkaPayload]
        self._told = told
        self._left = told.count
        started = get_context("spawn").Barrier(PROCESSES + 1)
        self._pool = MultiprocessingPool(PROCESSES, initializer=started.wait)
        started.wait()  # they import for half a second, and that is not to count

    def create_with_partitions(
        self, commit: Commit, partitions: Mapping[Partition, int]
    ) -> ProcessingStrategy[KafkaPayload]:
        return Tasks(
            self,
            function=_TASKS[self._told.handle],
            next_step=Exit(commit, self.watch),
            max_batch_size=_BATCH,
            max_batch_time=1.0,
            pool=self._pool,
            input_block_size=_BLOCK_BYTES,
            output_block_size=_BLOCK_BYTES,
            prefetch_batches=True,
        )

    def entered(self) -> None:
        """One more is on its way."""
        self._left -= 1
        if self._left == 0:
            self.processor.signal_shutdown()

    def shutdown(self) -> None:
        self._pool.close()


def main(told: Job) -> None:
    """Do the job."""
    consumer = KafkaConsumer(
        build_kafka_consumer_configuration(
            {"fetch.queue.backoff.ms": 10},
            bootstrap_servers=[told.bootstrap],
            group_id=told.group,
            auto_offset_reset="earliest",
        )
    )
    strategies = Strategies(told)
    strategies.processor = StreamProcessor(
        consumer, Topic(told.topic), strategies, commit_policy=ONCE_PER_SECOND
    )
    strategies.processor.run()
    strategies.watch.tell()


if __name__ == "__main__":
    main(job())
