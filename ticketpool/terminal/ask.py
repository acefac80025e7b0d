"""Asking supervisors over HTTP how they are."""

import http.client
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from ticketpool.config.address import parse
from ticketpool.core.status import ServiceStatus
from ticketpool.errors import ConfigError
from ticketpool.terminal.answers import Answer

PATIENCE_SECONDS = 2.0
"""How long a supervisor may take to connect, and to send each part of its answer."""
_MOST_BYTES = 64 << 20


class _Told(ServiceStatus, frozen=True, kw_only=True):
    """What ``/api/status`` adds to the status; what we don't know of is left out."""

    ok: bool = True
    age_seconds: float = 0.0


class _Refusal(msgspec.Struct):
    reason: str


_decode = msgspec.json.Decoder(_Told).decode
_refusal = msgspec.json.Decoder(_Refusal).decode


def addresses(given: Sequence[str]) -> tuple[str, ...]:
    """The addresses, each once. Raises ``ConfigError``: one is no ``HOST:PORT``."""
    for address in given:
        if address == "off":
            raise ConfigError("--http off: nobody to ask; give the address of a supervisor")
        parse(address)
    return tuple(dict.fromkeys(given))


def ask_all(sources: Sequence[str]) -> list[Answer]:
    """Ask all at once; the answers in the order of the sources."""
    with ThreadPoolExecutor(max(len(sources), 1)) as threads:
        return list(threads.map(ask, sources))


def ask(source: str) -> Answer:
    """What ``/api/status`` of this ``HOST:PORT`` tells; whatever fails is in the answer.

    Blocks up to ``PATIENCE_SECONDS`` for each part. Any thread.
    """
    try:
        code, body = _get(source)
    except OSError as error:
        return _lost(source, f"can't be reached: {_reason(error)}")
    except UnicodeError:  # of the codec that makes a host's name ready for DNS
        return _lost(source, "can't be reached: no legal name of a host")
    except http.client.HTTPException as error:
        return _lost(source, f"does not speak HTTP: {type(error).__name__}")
    try:
        if code == http.client.OK:
            return _answer(source, body)
        if code == http.client.SERVICE_UNAVAILABLE:
            return Answer(source=source, trouble=_refusal(body).reason)
    except msgspec.DecodeError as error:
        return _lost(source, f"does not answer as ticketpool does: {error}")
    return _lost(source, f"does not answer as ticketpool does: HTTP status {code}")


def _get(source: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(*parse(source), timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", "/api/status", headers={"accept": "application/json"})
        response = connection.getresponse()
        return response.status, response.read(_MOST_BYTES)
    finally:
        connection.close()


def _answer(source: str, body: bytes) -> Answer:
    told = _decode(body)
    fields: dict[str, Any] = msgspec.structs.asdict(told)
    healthy, age = fields.pop("ok"), fields.pop("age_seconds")
    return Answer(source=source, status=ServiceStatus(**fields), healthy=healthy, age_seconds=age)


def _lost(source: str, trouble: str) -> Answer:
    return Answer(source=source, trouble=trouble, reached=False)


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {PATIENCE_SECONDS:g} s"
    return (error.strerror or str(error)).lower()
