"""Finding the user's handler by its name, and refusing in words what can't be one."""

import inspect
from collections.abc import Sequence
from typing import Any

from ticketpool.errors import HandlerError, HandlerUnsupported
from ticketpool.worker.decoding import JSON, Codec
from ticketpool.worker.finding import find
from ticketpool.worker.handler import Handler
from ticketpool.worker.hooks import Hooks
from ticketpool.worker.loop import LazyLoop
from ticketpool.worker.middleware import Link


def load(
    name: str,
    codec: Codec = JSON,
    middleware: Sequence[Link] = (),
    loop: LazyLoop | None = None,
) -> Handler:
    """Import ``module:function`` (dots allowed inside ``function``) and check it; of a class,
    make the one instance of this process. ``Handler.open`` is left to the caller.

    Args:
        loop: that of async handlers, which several may share.

    Raises:
        HandlerNotFound: no such module or attribute.
        HandlerUnsupported: not callable, wrong parameters, an annotation that the
            codec cannot decode into, or a middleware that does not fit.
        HandlerError: importing the module or constructing the class raised.
    """
    target, hooks = find("handler", name), None
    if inspect.isclass(target):
        target, hooks = _constructed(name, target)
    elif not callable(target):
        raise HandlerUnsupported(f"handler {name} is a {type(target).__name__}, not a function")
    return Handler(name, target, hooks, codec=codec, middleware=middleware, loop=loop)


def _constructed(name: str, target: type) -> tuple[Any, Hooks]:
    """An instance, and what opens and closes it."""
    if not any("__call__" in vars(base) for base in target.__mro__):
        raise HandlerUnsupported(f"handler {name} is a class without __call__, which would handle")
    try:
        inspect.signature(target).bind()
    except (TypeError, ValueError) as error:
        raise HandlerUnsupported(
            f"handler {name}: its constructor is called without arguments, which it does not "
            f"take: {error}"
        ) from None
    try:
        instance = target()
    except BaseException as error:  # as at import
        raise HandlerError(
            f"handler {name}: constructing it failed: {type(error).__name__}: {error}"
        ) from error
    return instance, Hooks(getattr(instance, "open", None), getattr(instance, "close", None))
