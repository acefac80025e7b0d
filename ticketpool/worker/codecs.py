"""Codecs by their names: our own, and users' hooks for Avro, Protobuf, registries, …"""

from collections.abc import Callable
from typing import Any

from ticketpool.errors import HandlerUnsupported
from ticketpool.worker.decoding import BYTES, JSON, MSGPACK, Codec, Decode
from ticketpool.worker.finding import find, is_awaited

_OURS = {"json": JSON, "msgpack": MSGPACK, "bytes": BYTES}


def load_codec(name: str) -> Codec:
    """``json``, ``msgpack``, ``bytes`` or ``module:function``.

    The function is a hook: called once for each handler with the annotation of its first
    parameter (``Ticket`` without one), it returns ``decode(value: bytes) -> payload``. What
    that raises makes a dead letter of the record, but an ``OSError`` (a registry that does not
    answer) is tried again like a handler's exception.

    Raises:
        HandlerNotFound: no such module or attribute.
        HandlerUnsupported: it cannot be called, or is async.
        HandlerError: importing the module raised.
    """
    if ours := _OURS.get(name):
        return ours
    hook = find("codec", name)
    if not callable(hook):
        raise HandlerUnsupported(f"codec {name} is a {type(hook).__name__}, not a function")
    if is_awaited(hook):
        raise HandlerUnsupported(f"codec {name} is async; a hook is a plain function")
    return Codec(f"with {name}", lambda payload: _made(hook, payload))


def _made(hook: Callable[[Any], Any], payload: Any) -> Decode:
    try:
        decode = hook(payload)
    except BaseException as error:  # user code at start-up: SystemExit too
        raise TypeError(f"it raised {type(error).__name__}: {error}") from error
    if not callable(decode):
        raise TypeError(f"it returned {decode!r:.60}, not a function that takes the value")
    if is_awaited(decode):
        raise TypeError("it returned an async function; decoding is done by a plain one")
    return _of_values(decode)


def _of_values(decode: Callable[[bytes], Any]) -> Decode:
    """A hook's decoder is spared null values: it could take them for anything."""

    def of_value(value: bytes | None) -> Any:
        if value is None:
            raise ValueError  # ``reason`` finds the words
        return decode(value)

    return of_value
