"""The middlewares around a handler, made into one call when a lane is opened.

What they are is told in ``ticketpool.middleware``. Without any, the lane calls the
handler itself.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ticketpool.core.model import Context
from ticketpool.errors import HandlerError, HandlerUnsupported
from ticketpool.worker.finding import find, is_awaited, is_generator

_PER_LANE = {False: "for_lane", True: "for_async_lane"}  # by whether the handler is async


class Link(NamedTuple):
    """A middleware and the name that the user gave it."""

    name: str
    target: Any


def load_middleware(name: str) -> Link:
    """Import ``module:function``. Raises as ``find`` does."""
    return Link(name, find("middleware", name))


class Chain:
    """A handler with its middlewares, checked.

    Args:
        handler: the handler's name.
        links: the outermost first.
        is_async, is_batch: whether the handler is.
        takes_context: whether it takes the ``Context``, too.

    Raises:
        HandlerUnsupported: a middleware cannot be called as one, or is plain where the
            handler is async, or the other way round.
        HandlerError: its ``for_lane`` raised.
    """

    def __init__(
        self,
        handler: str,
        links: Sequence[Link],
        *,
        is_async: bool,
        takes_context: bool,
        is_batch: bool = False,
    ) -> None:
        self._handler = handler
        self._links = links
        self._is_async = is_async
        self._is_batch = is_batch
        self._takes_context = takes_context
        for link in links:
            self._check(link)

    def for_lane(self, function: Callable[..., object]) -> Callable[..., object]:
        """What a new lane calls: the handler's function as it is, or, with middlewares, one of
        payload and ``Context``, to be awaited if the handler is async."""
        if not self._links:
            return function
        call = function if self._takes_context else _without_context(function)
        for link in reversed(self._links):
            call = _around(self._target(link), call)
        return call

    def _target(self, link: Link) -> Callable[..., object]:
        make = getattr(link.target, _PER_LANE[self._is_async], None)
        target: Callable[..., object] = make() if make else link.target
        return target

    def _check(self, link: Link) -> None:
        what = f"middleware {link.name}"
        if inspect.isclass(link.target):
            raise HandlerUnsupported(f"{what} is a class; name a function or an object")
        per_lane = any(hasattr(link.target, method) for method in _PER_LANE.values())
        if self._is_batch and per_lane and not getattr(link.target, "batches", False):
            raise HandlerUnsupported(
                f"{what} looks at single tickets, and handler {self._handler} takes batches"
            )
        try:
            target = self._target(link)
        except BaseException as error:  # user code at start-up: SystemExit too
            method = _PER_LANE[self._is_async]
            raise HandlerError(
                f"{what}: its {method} raised {type(error).__name__}: {error}"
            ) from error
        if not callable(target):
            raise HandlerUnsupported(self._uncallable(what, link, target))
        self._check_call(what, target)

    def _uncallable(self, what: str, link: Link, target: object) -> str:
        if target is link.target and hasattr(target, _PER_LANE[not self._is_async]):
            needed = _PER_LANE[self._is_async]
            return f"{what} has no {needed}(), and handler {self._handler} is {self._kind}"
        return f"{what} is a {type(target).__name__}, not a function"

    def _check_call(self, what: str, target: Callable[..., object]) -> None:
        if not _takes_three(target):
            raise HandlerUnsupported(
                f"{what}: a middleware takes three parameters: the ticket, its Context, "
                "and call_next, which it calls with both"
            )
        if is_generator(target):
            raise HandlerUnsupported(f"{what} is a generator; calling it would do nothing")
        if is_awaited(target) != self._is_async:
            remedy = "async def, and await call_next" if self._is_async else "a plain function"
            raise HandlerUnsupported(
                f"{what} is {'plain' if self._is_async else 'async'}, and handler "
                f"{self._handler} is {self._kind}: make it {remedy}"
            )

    @property
    def _kind(self) -> str:
        return "async" if self._is_async else "plain"


def _takes_three(target: Callable[..., object]) -> bool:
    try:
        inspect.signature(target).bind(None, None, None)
    except (TypeError, ValueError):  # ValueError: some builtins have none
        return False
    return True


def _without_context(function: Callable[..., object]) -> Callable[..., object]:
    return lambda payload, context: function(payload)


def _around(
    middleware: Callable[..., object], call_next: Callable[..., object]
) -> Callable[..., object]:
    def call(payload: Any, context: Context) -> object:
        return middleware(payload, context, call_next)

    return call
