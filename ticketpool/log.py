"""Structured logs on standard error: colour for people, JSON for machines.

One event name and fields each: ``log.info("assigned", topic="tickets", partition=3)``.
"""

import contextlib
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import structlog

from ticketpool.config import LogConfig

Logger = structlog.stdlib.BoundLogger
Watcher = Callable[[str, Mapping[str, Any]], object]
"""Is told the level (a method's name) and the event with its fields; must not raise."""

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


def setup(config: LogConfig) -> None:
    """Route structlog and the standard ``logging`` to standard error, once per process."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=config.format == "json"),
    ]
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
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info
                if config.format == "json"
                else structlog.processors.StackInfoRenderer(),
                _renderer(config.format),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(config.level.upper())


def _renderer(form: str) -> structlog.typing.Processor:
    if form == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=24)


def get(name: str) -> Logger:
    """The logger of a module; bind fields with ``log.bind(worker=2)``."""
    logger: Logger = structlog.stdlib.get_logger(name)
    return logger


def set_level(level: str) -> None:
    """The least level that this process logs from now on."""
    logging.getLogger().setLevel(level.upper())
