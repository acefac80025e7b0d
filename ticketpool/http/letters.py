"""Browsing dead letters: ``/api/letters``.

*Supervisor side.* Reading Kafka takes time, so it is done on a thread of its own, one read at a
time; the listener's thread and the supervisor's loop go on meanwhile. Only this service's
dead-letter topics can be read.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from ticketpool.core.letter import Letter, LettersQuery
from ticketpool.core.model import Partition
from ticketpool.errors import TicketpoolError
from ticketpool.http.preview import WITHHELD, Preview, preview
from ticketpool.masking import masked

ReadLetters = Callable[[LettersQuery], list[Letter]]

PATIENCE_SECONDS = 8.0  # below the ten that a connection has for its answer
_DEFAULT_LIMIT, _MOST = 20, 100
_MOST_HEADERS = 50


class _WrongQuery(Exception):
    """The message tells the parameter."""


class LetterDesk:
    """Answers ``/api/letters?topic=&partition=&before=topic/partition:offset,…&limit=``.

    Args:
        read: called on a thread of its own; ``None``: there is nothing to read.
        topics: the dead-letter topics of this service.

    Attributes:
        payloads: whether keys, values and headers are shown.
    """

    def __init__(
        self, read: ReadLetters | None, topics: tuple[str, ...], *, payloads: bool
    ) -> None:
        self._read, self._topics, self.payloads = read, topics, payloads
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ticketpool-letters")

    async def answer(self, request: Request) -> Response:
        try:
            query = self._query(request.query_params)
        except _WrongQuery as wrong:
            return _refusal(str(wrong), 400)
        if self._read is None or not self._topics:
            return self._told([])
        reading = asyncio.get_running_loop().run_in_executor(self._thread, self._read, query)
        try:
            return self._told(await asyncio.wait_for(reading, PATIENCE_SECONDS))
        except TimeoutError:
            return _refusal(f"Kafka has not answered within {PATIENCE_SECONDS:g} s", 504)
        except TicketpoolError as error:
            return _refusal(str(error), 503)

    def close(self) -> None:
        """No further reads; one that is under way is not waited for."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _query(self, given: QueryParams) -> LettersQuery:
        topic = given.get("topic")
        if topic and topic not in self._topics:
            raise _WrongQuery(f"topic: none of this service's dead-letter topics: {self._topics}")
        partition = given.get("partition")
        return LettersQuery(
            topics=(topic,) if topic else self._topics,
            partition=_number("partition", partition) if partition else None,
            before=_before(given.get("before", "")),
            limit=min(max(_number("limit", given.get("limit") or str(_DEFAULT_LIMIT)), 1), _MOST),
        )

    def _told(self, letters: list[Letter]) -> Response:
        body = {
            "ok": True,
            "topics": self._topics,
            "payloads": self.payloads,
            "letters": [_shown(one, payloads=self.payloads) for one in letters],
        }
        return Response(msgspec.json.encode(body), media_type="application/json")


def _refusal(reason: str, code: int) -> Response:
    body = msgspec.json.encode({"ok": False, "reason": reason})
    return Response(body, code, media_type="application/json")


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise _WrongQuery(f"{name}: not a number: {text[:40]!r}")
    return int(text)


def _before(text: str) -> dict[Partition, int]:
    """``topic/partition:offset``, separated by commas."""
    before = {}
    for one in filter(None, text.split(",")):
        place, _, offset = one.rpartition(":")
        topic, _, partition = place.rpartition("/")
        before[Partition(topic, _number("before", partition))] = _number("before", offset)
    return before


def _shown(letter: Letter, *, payloads: bool) -> dict[str, Any]:
    return msgspec.structs.asdict(letter) | {
        "key": _part(letter.key, payloads),
        "value": _part(letter.value, payloads),
        "error": masked(letter.error),
        "message": masked(letter.message),
        "headers": [(name, _part(one, payloads)) for name, one in letter.headers[:_MOST_HEADERS]],
    }


def _part(data: bytes | None, payloads: bool) -> Preview:
    return preview(data) if payloads else WITHHELD
