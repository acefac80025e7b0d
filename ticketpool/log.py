"""Structured logs on standard error: colour for people, JSON for machines.

One event name and fields each: ``log.info("assigned", topic="tickets", partition=3)``. A line of
JSON has ``event``, ``level``, ``timestamp`` (RFC 3339, UTC) and the fields. What repeats is limited
(``_kind_of``), and secrets that this process knows are masked, in whatever text they turn up.
"""

import atexit
import contextlib
import json
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

import structlog

from ticketpool.config import LogConfig
from ticketpool.masking import masked
from ticketpool.repeats import Kind, Repeats

Logger = structlog.stdlib.BoundLogger
Watcher = Callable[[str, Mapping[str, Any]], object]
"""Is told the level (a method's name) and the event with its fields; must not raise."""
Processor = structlog.typing.Processor

MOST, SECONDS = 100, 10.0
"""So many lines of one event and topic are written in that time."""

_SELDOM = {"opentelemetry": (1, 30.0)}
"""Loggers of others that complain as long as something is away: so many lines of a kind."""

_PROMISED = {"ready", "assigned", "revoked", "lost", "worker started", "worker exited"}
"""One event each, whatever happens (as many as there are partitions and workers, not records)."""

_LIMITED_ELSEWHERE = "ticketpool.librdkafka"  # by its own logger: kafka/quiet.py
_VARYING = re.compile(r"\d+")
_HALF = re.compile(
    r"\\ud[89ab][0-9a-f]{2}(?!\\ud[c-f])|(?<!\\ud[89ab][0-9a-f]{2})\\ud[c-f][0-9a-f]{2}"
)

_place: ContextVar[Callable[[], Mapping[str, Any]]] = ContextVar("place")
_watchers: list[Watcher] = []


@contextlib.contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Tell ``watcher`` of our own events as long as this lasts, whatever level is written."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)


def _tell(
    logger: logging.Logger, level: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    if _watchers and logger.name.startswith("ticketpool."):
        for watcher in tuple(_watchers):
            watcher(level, event)
    return event


def setup(config: LogConfig, **fields: Any) -> None:
    """Route structlog and the standard ``logging`` to standard error, once per process.

    ``fields``: for every line of this process that has no such field of its own.
    """
    shared = _chain(config, fields)
    structlog.configure(
        processors=[
            _tell,
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(foreign_pre_chain=shared, processors=_last(config.format)))
    limit = Repeats(_kind_of, handler.handle)
    handler.addFilter(limit)
    atexit.register(limit.flush)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(config.level.upper())


def _chain(config: LogConfig, fields: Mapping[str, Any]) -> list[Processor]:
    """What makes a line's fields."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        _adding(fields),
        structlog.processors.TimeStamper(fmt="iso", utc=config.format == "json"),
    ]


def _last(form: str) -> list[Processor]:
    """What makes a text of the fields. Tracebacks tell no values of variables in either form:
    these may be secrets, or records."""
    renderer: Processor = structlog.dev.ConsoleRenderer(
        colors=_coloured(),
        pad_event_to=24,
        exception_formatter=structlog.dev.plain_traceback,
    )
    if form == "json":
        renderer = structlog.processors.JSONRenderer(_as_json)
    return [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        renderer,
    ]


def _as_json(event: Any, **options: Any) -> str:
    """In ASCII; halves of a character, which some parsers refuse, are replaced."""
    return _HALF.sub(r"\\ufffd", json.dumps(event, **options))


def _coloured() -> bool:
    """On a terminal that can, unless NO_COLOR (no-color.org) says no."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stderr.isatty() and not plain


class _Formatter(structlog.stdlib.ProcessorFormatter):
    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))


def _adding(fields: Mapping[str, Any]) -> Processor:
    def add(logger: Any, method: str, event: structlog.typing.EventDict) -> dict[str, Any]:
        where = _place.get(None)
        event.pop("repeated", None)
        return {**fields, **(where() if where is not None else {}), **event}

    return add


def in_place(where: Callable[[], Mapping[str, Any]]) -> None:
    """From now on, lines of this thread or task have these fields too, as they are then."""
    _place.set(where)


def flush() -> None:
    """Write how many lines were left out, before the process ends without its exit handlers."""
    for handler in logging.getLogger().handlers:
        for limit in handler.filters:
            if isinstance(limit, Repeats):
                limit.flush()


def _kind_of(record: logging.LogRecord) -> Kind | None:
    """The same event and topic. Lines that are not ours, as those of a handler, all pass."""
    owner = record.name.partition(".")[0]
    if owner in _SELDOM:
        kind = _VARYING.sub("#", record.getMessage())
        return Kind((owner, kind), *_SELDOM[owner], {"of": kind[:200]})
    if owner != "ticketpool" or record.name == _LIMITED_ELSEWHERE:
        return None
    event = record.msg if isinstance(record.msg, dict) else {"event": str(record.msg)}
    name, topic = str(event.get("event")), event.get("topic")
    if name in _PROMISED:
        return None
    place = {} if topic is None else {"topic": topic}
    return Kind((name, str(topic)), MOST, SECONDS, {"of": name, **place})


def get(name: str) -> Logger:
    """The logger of a module; bind fields with ``log.bind(worker=2)``."""
    logger: Logger = structlog.stdlib.get_logger(name)
    return logger


def set_level(level: str) -> None:
    """The least level that this process logs from now on."""
    logging.getLogger().setLevel(level.upper())
