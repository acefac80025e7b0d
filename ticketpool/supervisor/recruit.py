"""Starting a worker and its first words."""

import time

import msgspec

from ticketpool import trace
from ticketpool.config import RunConfig
from ticketpool.ipc.child import Child
from ticketpool.ipc.frames import FromWorker, Hello
from ticketpool.worker import words

WORKER = "ticketpool.worker.main"


class Recruiter:
    """*Supervisor side.* Starts the worker process of a slot, from the main thread.

    Args:
        environment: of the worker processes, without secrets.
        stdout: descriptor for their standard output; ``None`` inherits ours.

    Attributes:
        log_level: that workers start with.
    """

    def __init__(self, config: RunConfig, environment: dict[str, str], stdout: int | None) -> None:
        self._config = config
        self._environment = environment
        self._stdout = stdout
        self.log_level = config.log.level

    def __call__(self, slot: int) -> Child[FromWorker]:
        """A process that has been told who it is. Raises ``OSError`` when there can't be one."""
        child: Child[FromWorker] = Child(
            WORKER,
            FromWorker,
            words=words.COUNT,
            environment=self._environment,
            stdout=self._stdout,
        )
        cells = child.words.cells
        cells[words.HEARTBEAT] = cells[words.LIFE] = time.monotonic_ns()
        first = hello(self._config, slot)
        child.channel.send(msgspec.structs.replace(first, log_level=self.log_level))
        return child


def hello(config: RunConfig, slot: int) -> Hello:
    """What the worker of a slot is told first. Nothing of it is secret."""
    return Hello(
        slot,
        config.handler,
        config.retries,
        config.backoff_seconds,
        config.backoff_max_seconds,
        config.on_failure,
        config.log.format,
        config.log.level,
        config.silence_seconds,
        config.group,
        trace.path(),
        codec=config.codec,
        by_topic=list(config.by_topic),
        middleware=list(config.middleware),
        batch_size=config.batch_size,
        batch_seconds=config.batch_seconds,
        traces=config.traces,
        max_parked_keys=config.max_parked_keys if config.park_keys else 0,
    )
