"""Finding the user's handler by its name, and refusing in words what can't be one."""

import inspect
from collections.abc import Sequence
from typing import Any

from ticketpool.errors import HandlerUnsupported
from ticketpool.worker.decoding import JSON, Codec
from ticketpool.worker.finding import find, is_awaited, is_generator
from ticketpool.worker.handler import Handler
from ticketpool.worker.middleware import Link


def load(name: str, codec: Codec = JSON, middleware: Sequence[Link] = ()) -> Handler:
    """Import ``module:function`` (dots allowed inside ``function``) and check it.

    Raises:
        HandlerNotFound: no such module or attribute.
        HandlerUnsupported: not callable, wrong parameters, an annotation that the
            codec cannot decode into, or a middleware that does not fit.
        HandlerError: importing the module raised.
    """
    target = find("handler", name)
    _check_kind(name, target)
    return Handler(name, target, codec=codec, middleware=middleware)


def _check_kind(name: str, target: Any) -> None:
    if inspect.isclass(target):
        raise HandlerUnsupported(f"handler {name} is a class; this version serves functions only")
    if not callable(target):
        raise HandlerUnsupported(f"handler {name} is a {type(target).__name__}, not a function")
    if is_awaited(target):
        raise HandlerUnsupported(f"handler {name} is async; this version serves plain functions")
    if is_generator(target):
        raise HandlerUnsupported(f"handler {name} is a generator; calling it would do nothing")
