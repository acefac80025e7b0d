"""The log of this process, set up as commands do it, and read back."""

import logging
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import msgspec
import pytest
import structlog

from ticketpool import log
from ticketpool.config import LogConfig


class Written(StringIO):
    """What went to standard error."""

    terminal = False

    def isatty(self) -> bool:
        return self.terminal

    def lines(self) -> list[dict[str, Any]]:
        """Each line as the JSON object that it must be."""
        return [msgspec.json.decode(line, type=dict[str, Any]) for line in self.text]

    @property
    def text(self) -> list[str]:
        return self.getvalue().splitlines()


Setup = Callable[..., Written]


@pytest.fixture
def setup(monkeypatch: pytest.MonkeyPatch) -> Iterator[Setup]:
    """``setup("json", terminal=False, **FIELDS)``; all is as before afterwards."""
    root = logging.getLogger()
    handlers, level, known = root.handlers[:], root.level, structlog.get_config()

    def start(form: str, *, terminal: bool = False, **fields: Any) -> Written:
        written = Written()
        written.terminal = terminal
        monkeypatch.setattr(sys, "stderr", written)
        log.setup(LogConfig(format=form), **fields)
        return written

    yield start
    log.flush()
    root.handlers[:], root.level = handlers, level
    structlog.configure(**known)
