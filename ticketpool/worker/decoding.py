"""From a record's value to what the handler's first parameter asks for."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from ticketpool.core.model import Record
from ticketpool.errors import HandlerUnsupported
from ticketpool.worker.signature import shown

_NODES = (msgspec.inspect.Type, msgspec.inspect.Field)


class Undecodable(Exception):
    """The payload does not fit the handler's annotation; retrying would not help."""


def decoder_for(name: str, payload: Any) -> Callable[[bytes | None], Any]:
    """Bytes to payload; raises anything at bytes that are none."""
    if payload is Record:
        return lambda value: value
    if payload is bytes:
        return _raw
    if payload == bytes | None:
        return lambda value: value
    try:
        decode = msgspec.json.Decoder(payload).decode
        if foreign := next(_foreign_classes(payload), None):
            raise TypeError(f"{shown(foreign)} is no Struct, dataclass, TypedDict or the like")
    except (TypeError, ValueError) as error:
        raise HandlerUnsupported(
            f"handler {name}: cannot decode JSON into {shown(payload)}: {error}"
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


def reason(value: bytes | None, error: Exception) -> str:
    if value is None:
        return "the value is null (a tombstone)"
    if not value:
        return "the value is empty"
    return f"{type(error).__name__}: {error}"
