"""*Worker side.* One call of a batch handler, for several records at once."""

from collections.abc import Callable, Coroutine
from typing import Any

from ticketpool.core.model import Context, PartialFailure
from ticketpool.core.outputs import MAX_BYTES
from ticketpool.ipc.frames import Records
from ticketpool.worker.where import Collect, Where


class BatchCall:
    """The calls of a batch handler, for one lane.

    Args:
        where: makes the contexts, for a handler that takes them.

    Attributes:
        payload: ``payload(batch, i)`` decodes a record. Raises ``Undecodable``.
    """

    def __init__(
        self,
        handle: Callable[..., Any],
        payload: Callable[[Records, int], Any],
        where: Where | None,
        *,
        is_async: bool,
    ) -> None:
        self.payload = payload
        self._handle = handle
        self._where = where
        self._is_async = is_async

    async def run(self, payloads: list[Any], places: list[tuple[Records, int, int]]) -> None:
        """Call the handler. Raises whatever it raises.

        Args:
            places: of each record: its frame, its index there, and which attempt this is.
        """
        if self._where is None:
            await self._call(payloads)
            return
        contexts = [self._where.context(*place) for place in places]
        try:
            await self._call(payloads, contexts)
        except PartialFailure as failure:  # what stands before it is done
            self._collect(contexts[: named(failure, len(contexts)) or 0], self._where.collect)
            raise
        self._collect(contexts, self._where.collect)

    def _collect(self, contexts: list[Context], collect: Collect) -> None:
        if sum(context._outbox.size for context in contexts) > MAX_BYTES:
            raise ValueError(
                f"Context.send: more than {MAX_BYTES >> 20} MiB for one batch; lower --batch-size"
            )
        for context in contexts:
            collect(context._outbox)

    async def _call(self, *arguments: Any) -> None:
        result = self._handle(*arguments)
        if self._is_async:
            await result
        else:
            refuse_awaitable(result)


def named(error: BaseException, count: int) -> int | None:
    """The index of the record that the handler blames, if it does and there is such a one."""
    index = error.index if isinstance(error, PartialFailure) else None
    return index if isinstance(index, int) and 0 <= index < count else None


def refuse_awaitable(result: object) -> None:
    """What a plain handler returns is ignored, but not a call that was never made.

    Raises:
        TypeError: it is a coroutine, of an async function behind a plain decorator say.
    """
    if hasattr(result, "__await__"):
        if isinstance(result, Coroutine):
            result.close()
        raise TypeError(
            "the handler returned something to be awaited; make it an async def, and what "
            "decorates it too"
        )
