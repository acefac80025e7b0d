"""What the signature of a user's function says: parameters and their annotations."""

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any, get_type_hints

from ticketpool.core.model import Context
from ticketpool.errors import HandlerUnsupported
from ticketpool.worker.finding import is_awaited, is_generator


def parameters_of(name: str, function: Callable[..., object]) -> list[str]:
    """The names of the one or two positional parameters."""
    kinds = inspect.Parameter
    required, accepted = [], []
    for parameter in _signature(name, function).parameters.values():
        if parameter.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD):
            accepted.append(parameter.name)
        elif parameter.kind is not kinds.KEYWORD_ONLY:
            continue
        if parameter.default is kinds.empty:
            required.append(parameter.name)
    usable = [p for p in accepted if p in required] or accepted[:1]
    if not 1 <= len(usable) <= 2 or set(required) - set(usable):
        raise HandlerUnsupported(
            f"handler {name}{inspect.signature(function)}: a handler takes one parameter "
            "(the ticket) or two (the ticket and its Context)"
        )
    return usable


def _signature(name: str, function: Callable[..., object]) -> inspect.Signature:
    try:
        return inspect.signature(function)
    except ValueError as error:  # some builtins have none
        raise HandlerUnsupported(f"handler {name}: {error}") from error


def hints_of(name: str, function: Callable[..., object]) -> dict[str, Any]:
    while isinstance(function, functools.partial):
        function = function.func
    annotated = function if inspect.isroutine(function) else type(function).__call__
    try:
        return get_type_hints(annotated, include_extras=True)
    except Exception as error:  # an annotation is any expression
        raise HandlerUnsupported(
            f"handler {name}: its annotations cannot be read: {error}"
        ) from error


def is_async(name: str, function: Callable[..., object]) -> bool:
    """Whether what it returns is to be awaited.

    Raises:
        HandlerUnsupported: a generator: calling it would do nothing.
    """
    if is_generator(function):
        raise HandlerUnsupported(f"handler {name} is a generator; calling it would do nothing")
    return is_awaited(function)


def batch_of(name: str, annotation: Any) -> Any | None:
    """``T`` of a first parameter annotated ``list[T]``; ``None`` of any other.

    Raises:
        HandlerUnsupported: a list of what is not said.
    """
    is_list = typing.get_origin(annotation) is list
    if annotation is list or (is_list and not typing.get_args(annotation)):
        raise HandlerUnsupported(
            f"handler {name}: its first parameter is annotated {shown(annotation)}; "
            "write of what, as in list[Ticket]"
        )
    if not is_list:
        return None
    (payload,) = typing.get_args(annotation)
    return payload


def check_context(name: str, annotation: Any, *, batch: bool) -> None:
    """Raises ``HandlerUnsupported`` unless it is what the second parameter will get."""
    wanted: Any = list[Context] if batch else Context
    if annotation != wanted:
        kind = "a batch handler gets a list[Context]" if batch else "it gets a ticketpool.Context"
        raise HandlerUnsupported(
            f"handler {name}: its second parameter is annotated {shown(annotation)}; {kind}"
        )


def shown(annotation: Any) -> str:
    """An annotation as its author wrote it, nearly."""
    if typing.get_origin(annotation) is not None:
        return str(annotation)
    return getattr(annotation, "__name__", None) or str(annotation)
