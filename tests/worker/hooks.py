"""Codec hooks, right and wrong, by name: ``tests.worker.hooks:NAME``."""

import sys
from collections.abc import Callable
from typing import Any

import msgspec

asked: list[Any] = []
"""The annotations that ``framed`` was called with, in this process."""


def framed(kind: Any) -> Callable[[bytes], Any]:
    """JSON behind one byte, which must be 7."""
    asked.append(kind)
    body = msgspec.json.Decoder(kind)

    def decode(value: bytes) -> Any:
        if value[0] != 7:
            raise LookupError(f"no schema {value[0]}")
        return body.decode(value[1:])

    return decode


def lenient(kind: Any) -> Callable[[bytes], Any]:
    """Makes something of everything."""
    return repr


def away(kind: Any) -> Callable[[bytes], Any]:
    """Its registry does not answer."""

    def decode(value: bytes) -> Any:
        raise ConnectionError("the registry is away")

    return decode


class Kind:
    """A hook may be a class: its instances decode."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    def __call__(self, value: bytes) -> Any:
        return msgspec.convert(value.decode().split(), self._kind, strict=False)


number = 5


def raising(kind: Any) -> Callable[[bytes], Any]:
    raise LookupError(f"no schema for {kind.__name__}")


def exiting(kind: Any) -> Callable[[bytes], Any]:
    sys.exit("no registry")


def returning_nothing(kind: Any) -> None: ...


def of_no_parameter() -> None: ...


async def asynchronous(kind: Any) -> None: ...


def returning_async(kind: Any) -> Any:
    async def decode(value: bytes) -> None: ...

    return decode
