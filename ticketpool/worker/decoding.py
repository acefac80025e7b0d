"""From a record's value to what the handler's first parameter asks for."""

import typing
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from ticketpool.core.model import Record, Ticket
from ticketpool.errors import HandlerUnsupported
from ticketpool.worker.signature import shown

_NODES = (msgspec.inspect.Type, msgspec.inspect.Field)

Decode = Callable[[bytes | None], Any]


class Undecodable(Exception):
    """The payload does not fit the handler's annotation; retrying would not help."""


class Codec(typing.NamedTuple):
    """What makes decoders.

    Attributes:
        shown: how it is called in "cannot decode … into Order".
        make: from an annotation to a decoder of it; raises ``TypeError`` or ``ValueError``
            for one that it cannot serve.
        unannotated: what stands for the annotation when there is none.
    """

    shown: str
    make: Callable[[Any], Decode]
    unannotated: Any = Ticket


def decoder_for(name: str, payload: Any, codec: Codec) -> Decode:
    """Bytes to payload; raises anything at bytes that are none.

    The raw value, or the whole record, is what a handler gets that asks for it, whatever the
    codec. Raises ``HandlerUnsupported`` where the codec cannot serve the annotation.
    """
    if payload is Record:
        return lambda value: value
    if payload is bytes:
        return _raw
    if payload == bytes | None:
        return lambda value: value
    try:
        return codec.make(payload)
    except (TypeError, ValueError) as error:
        raise HandlerUnsupported(
            f"handler {name}: cannot decode {codec.shown} into {shown(payload)}: {error}"
        ) from error


def _by(kind: Any) -> Callable[[Any], Decode]:
    """What makes decoders by a class of msgspec's; these refuse None as malformed bytes."""

    def make(payload: Any) -> Decode:
        decode: Decode = kind(payload).decode
        if foreign := next(_foreign_classes(payload), None):
            raise TypeError(f"{shown(foreign)} is no Struct, dataclass, TypedDict or the like")
        return decode

    return make


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


def _refuse(payload: Any) -> Decode:
    raise TypeError("--codec bytes hands over raw values; annotate bytes or choose another codec")


def _raw(value: bytes | None) -> bytes:
    if value is None:
        raise Undecodable("the value is null (a tombstone); annotate bytes | None to accept it")
    return value


JSON = Codec("JSON", _by(msgspec.json.Decoder))
MSGPACK = Codec("MessagePack", _by(msgspec.msgpack.Decoder))
BYTES = Codec("bytes", _refuse, bytes)
