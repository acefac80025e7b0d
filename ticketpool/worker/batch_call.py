"""*Worker side.* One call of a batch handler, for several records at once."""

from collections.abc import Callable, Coroutine
from typing import Any

from ticketpool.core.model import Context
from ticketpool.ipc.frames import Records


class BatchCall:
    """The calls of a batch handler, for one lane.

    Attributes:
        payload: ``payload(batch, i)`` decodes a record. Raises ``Undecodable``.
    """

    def __init__(
        self,
        handle: Callable[..., Any],
        payload: Callable[[Records, int], Any],
        context: Callable[[Records, int, int], Context] | None,
        *,
        is_async: bool,
    ) -> None:
        self.payload = payload
        self._handle = handle
        self._context = context
        self._is_async = is_async

    async def run(self, payloads: list[Any], places: list[tuple[Records, int, int]]) -> None:
        """Call the handler. Raises whatever it raises.

        Args:
            places: of each record: its frame, its index there, and which attempt this is.
        """
        if self._context is None:
            result = self._handle(payloads)
        else:
            result = self._handle(payloads, [self._context(*place) for place in places])
        if self._is_async:
            await result
        else:
            refuse_awaitable(result)


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
