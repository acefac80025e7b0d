"""*Worker side.* The records and contexts of one lane, made from frames."""

from collections.abc import Callable

from ticketpool.core.model import Context, Drain, Record, from_millis
from ticketpool.core.outputs import Outbox, close
from ticketpool.ipc.frames import Records

Collect = Callable[[Outbox], None]


class Where:
    """Where a lane's records stand, and who hears of what their handler sends.

    Args:
        worker: the slot.
        drain: for the contexts: whether the lane is being closed.
        collect: gets what a call has sent, when it has returned.
    """

    def __init__(
        self,
        topic: str,
        partition: int,
        worker: int,
        drain: Drain | None = None,
        collect: Collect = close,
    ) -> None:
        self.topic = topic
        self.partition = partition
        self.worker = worker
        self.drain = drain or Drain()
        self.collect = collect

    def record(self, batch: Records, i: int) -> Record:
        """The i-th, raw."""
        return Record(
            self.topic,
            self.partition,
            batch.offset(i),
            batch.keys[i],
            batch.values[i],
            batch.headers[i],
            from_millis(batch.timestamps[i]),
        )

    def context(self, batch: Records, i: int, attempt: int) -> Context:
        """What its handler is told of it, with an outbox of its own."""
        return Context(
            self.topic,
            self.partition,
            batch.offset(i),
            batch.keys[i],
            batch.headers[i],
            from_millis(batch.timestamps[i]),
            attempt,
            self.worker,
            self.drain,
        )
