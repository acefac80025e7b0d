"""*Worker side.* ``open`` and ``close`` of a class handler, once in a worker's life."""

import inspect
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from ticketpool import log
from ticketpool.errors import HandlerError, HandlerUnsupported

Wait = Callable[[Coroutine[Any, Any, None]], object]
"""Runs a coroutine on the worker's event loop, to its end."""

_log = log.get("ticketpool.worker")


class Hooks:
    """What to call before the first record and after the last, if anything.

    Args:
        opens, closes: plain or ``async``, without parameters; ``None``: nothing to do.

    Attributes:
        opens, closes: whether there is something to open, to close.
    """

    def __init__(
        self, opens: Callable[[], Any] | None = None, closes: Callable[[], Any] | None = None
    ) -> None:
        self._opens = opens
        self._closes = closes
        self.opens, self.closes = opens is not None, closes is not None

    def check(self, name: str) -> None:
        """Raises ``HandlerUnsupported`` for what can't be called without an argument."""
        for what, method in (("open", self._opens), ("close", self._closes)):
            try:
                if method is not None:
                    inspect.signature(method).bind()
            except (TypeError, ValueError) as error:
                raise HandlerUnsupported(
                    f"handler {name}: its {what}() is called without arguments: {error}"
                ) from None

    def open(self, name: str, wait: Wait, *, on_loop: bool) -> None:
        """``on_loop``: also what is not async, for a handler that is called there.

        Raises:
            HandlerError: the handler's ``open`` has raised, whatever that is.
        """
        try:
            _call(self._opens, wait, on_loop)
        except BaseException as error:
            raise HandlerError(
                f"handler {name}: its open() failed: {type(error).__name__}: {error}"
            ) from error

    def close(self, name: str, wait: Wait, seconds: float, *, on_loop: bool) -> None:
        """Call it, and wait for it no longer than that. What it raises is logged."""

        def close() -> None:
            try:
                _call(self._closes, wait, on_loop)
            except BaseException as error:
                why = f"{type(error).__name__}: {error}"
                _log.error("handler not closed", handler=name, error=why)

        closing = threading.Thread(target=close, name="close", daemon=True)
        closing.start()
        closing.join(seconds)
        if closing.is_alive():
            _log.error("handler not closed", handler=name, error=f"it took more than {seconds:g} s")


def _call(method: Callable[[], Any] | None, wait: Wait, on_loop: bool) -> None:
    if method is None:
        return

    async def call() -> None:
        result = method()
        if inspect.isawaitable(result):
            await result

    if on_loop or inspect.iscoroutinefunction(method):
        wait(call())
    else:
        method()
