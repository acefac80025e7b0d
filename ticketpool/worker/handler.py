"""Loading a handler, and turning it into one call per record.

The annotation of the first parameter decides the decoding, once, here.
"""

import functools
import importlib
import inspect
import typing
from collections.abc import Callable, Iterator
from typing import Any, get_type_hints

import msgspec

from ticketpool.core.model import Context, Record, Ticket, from_millis
from ticketpool.errors import HandlerError, HandlerNotFound, HandlerUnsupported
from ticketpool.ipc.frames import Records

_NODES = (msgspec.inspect.Type, msgspec.inspect.Field)

Call = Callable[[Records, int, int], None]
"""``call(batch, i, attempt)`` runs the handler with the batch's i-th record."""


class Undecodable(Exception):
    """The payload does not fit the handler's annotation; retrying would not help."""


class Handler:
    """A loaded handler.

    Attributes:
        function: the user's callable.
        wants_record: whether key, headers and timestamp must cross the pipe.
    """

    def __init__(self, name: str, function: Callable[..., object]) -> None:
        self.function = function
        parameters = _parameters(name, function)
        hints = _hints(name, function)
        self._payload = hints.get(parameters[0], Ticket)
        self._with_context = len(parameters) == 2
        if self._with_context and hints.get(parameters[1], Context) is not Context:
            raise HandlerUnsupported(
                f"handler {name}: its second parameter is annotated "
                f"{_shown(hints[parameters[1]])}; it gets a ticketpool.Context"
            )
        self._decode = _decoder(name, self._payload)
        self.wants_record = self._with_context or self._payload is Record

    def call_for(self, topic: str, partition: int, worker: int) -> Call:
        """The call for a lane: decode, then the handler with one or two arguments."""
        handle, decode = self.function, self._decode
        if self._payload is Record:
            return self._record_call(topic, partition, worker)
        if self._with_context:
            return self._call_with_context(topic, partition, worker)

        def call(batch: Records, i: int, attempt: int) -> None:
            value = batch.values[i]
            try:  # here, and not around ``decode``: one call less for each record
                payload = decode(value)
            except Undecodable:
                raise
            except Exception as error:  # also UnicodeDecodeError and RecursionError
                raise Undecodable(_reason(value, error)) from error
            handle(payload)

        return call

    def _call_with_context(self, topic: str, partition: int, worker: int) -> Call:
        handle, decode = self.function, self._decode

        def call(batch: Records, i: int, attempt: int) -> None:
            value = batch.values[i]
            try:
                payload = decode(value)
            except Undecodable:
                raise
            except Exception as error:  # also UnicodeDecodeError and RecursionError
                raise Undecodable(_reason(value, error)) from error
            handle(payload, _context(batch, i, attempt, topic, partition, worker))

        return call

    def _record_call(self, topic: str, partition: int, worker: int) -> Call:
        handle, with_context = self.function, self._with_context

        def call(batch: Records, i: int, attempt: int) -> None:
            record = Record(
                topic,
                partition,
                batch.offset(i),
                batch.keys[i],
                batch.values[i],
                batch.headers[i],
                from_millis(batch.timestamps[i]),
            )
            if with_context:
                handle(record, _context(batch, i, attempt, topic, partition, worker))
            else:
                handle(record)

        return call


def _context(
    batch: Records, i: int, attempt: int, topic: str, partition: int, worker: int
) -> Context:
    return Context(
        topic,
        partition,
        batch.offset(i),
        batch.keys[i],
        batch.headers[i],
        from_millis(batch.timestamps[i]),
        attempt,
        worker,
    )


def load(name: str) -> Handler:
    """Import ``module:function`` (dots allowed inside ``function``) and check it.

    Raises:
        HandlerNotFound: no such module or attribute.
        HandlerUnsupported: not callable, wrong parameters, or an annotation
            that cannot be decoded into.
        HandlerError: importing the module raised.
    """
    module_name, colon, path = name.partition(":")
    if not (module_name and colon and path):
        raise HandlerNotFound(f"handler {name!r}: write module:function")
    target: Any = _import(name, module_name)
    for part in path.split("."):
        try:
            target = getattr(target, part)
        except AttributeError:
            raise HandlerNotFound(
                f"handler {name}: {module_name} has no {path!r}{_names(target)}"
            ) from None
    _check_kind(name, target)
    return Handler(name, target)


def _import(name: str, module_name: str) -> Any:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name + ".").startswith(error.name + "."):
            raise HandlerNotFound(
                f"handler {name}: no module {error.name!r} in the current directory or on sys.path"
            ) from None
        raise HandlerError(f"handler {name}: importing it failed: {error}") from error
    except BaseException as error:  # whatever user code does at import, SystemExit included
        raise HandlerError(
            f"handler {name}: importing it failed: {type(error).__name__}: {error}"
        ) from error


def _names(module: Any) -> str:
    """Its own public functions, for a name that was not found."""
    own = getattr(module, "__name__", None)
    members = getattr(module, "__dict__", {}).items()
    functions = [n for n, v in members if inspect.isfunction(v) and v.__module__ == own]
    found = sorted(n for n in functions if not n.startswith("_"))
    return f"; its functions: {', '.join(found[:10])}" if found else ""


def _check_kind(name: str, target: Any) -> None:
    if inspect.isclass(target):
        raise HandlerUnsupported(f"handler {name} is a class; this version serves functions only")
    if not callable(target):
        raise HandlerUnsupported(f"handler {name} is a {type(target).__name__}, not a function")
    called = target if inspect.isfunction(target) else getattr(target, "__call__", None)  # noqa: B004 - we want the method itself
    if any(map(inspect.iscoroutinefunction, (target, called))):
        raise HandlerUnsupported(f"handler {name} is async; this version serves plain functions")
    generators = inspect.isgeneratorfunction, inspect.isasyncgenfunction
    if any(is_generator(one) for is_generator in generators for one in (target, called)):
        raise HandlerUnsupported(f"handler {name} is a generator; calling it would do nothing")


def _parameters(name: str, function: Callable[..., object]) -> list[str]:
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


def _hints(name: str, function: Callable[..., object]) -> dict[str, Any]:
    while isinstance(function, functools.partial):
        function = function.func
    annotated = function if inspect.isroutine(function) else type(function).__call__
    try:
        return get_type_hints(annotated, include_extras=True)
    except Exception as error:  # an annotation is any expression
        raise HandlerUnsupported(
            f"handler {name}: its annotations cannot be read: {error}"
        ) from error


def _decoder(name: str, payload: Any) -> Callable[[bytes | None], Any]:
    """Bytes to payload; raises anything at bytes that are none."""
    if payload is Record:
        return lambda value: value
    if payload is bytes:
        return _raw
    if payload == bytes | None:
        return lambda value: value
    if list in (payload, typing.get_origin(payload)):
        raise HandlerUnsupported(
            f"handler {name}: {_shown(payload)} asks for batches; this version serves single "
            "tickets"
        )
    try:
        decode = msgspec.json.Decoder(payload).decode
        if foreign := next(_foreign_classes(payload), None):
            raise TypeError(f"{_shown(foreign)} is no Struct, dataclass, TypedDict or the like")
    except (TypeError, ValueError) as error:
        raise HandlerUnsupported(
            f"handler {name}: cannot decode JSON into {_shown(payload)}: {error}"
        ) from error
    return decode  # type: ignore[return-value]  # None is refused as bytes that are no JSON are


def _foreign_classes(payload: Any) -> Iterator[type]:
    """Classes inside a type that msgspec lets pass and then decodes nothing into."""
    todo: list[Any] = [msgspec.inspect.type_info(payload)]
    seen: set[int] = set()  # types may contain themselves
    while todo:
        node = todo.pop()
        if isinstance(node, msgspec.inspect.CustomType):
            yield node.cls
        elif isinstance(node, tuple):
            todo += node
        elif isinstance(node, _NODES) and id(node) not in seen:
            seen.add(id(node))
            todo += msgspec.structs.astuple(node)


def _raw(value: bytes | None) -> bytes:
    if value is None:
        raise Undecodable("the value is null (a tombstone); annotate bytes | None to accept it")
    return value


def _reason(value: bytes | None, error: Exception) -> str:
    if value is None:
        return "the value is null (a tombstone)"
    if not value:
        return "the value is empty"
    return f"{type(error).__name__}: {error}"


def _shown(annotation: Any) -> str:
    return getattr(annotation, "__name__", None) or str(annotation)
