"""The terminal itself: taken over and given back, drawn line by line."""

import contextlib
import errno
import os
import sys
import termios
import tty
from collections.abc import Sequence
from typing import Any, Self

from rich.console import Console
from rich.text import Text

from ticketpool.errors import ConfigError

_ENTER = b"\x1b[?1049h\x1b[?25l\x1b[?7l"  # the other screen, no cursor, no line wrap
_LEAVE = b"\x1b[?7h\x1b[?25h\x1b[?1049l"
_BEGIN, _END = b"\x1b[?2026h", b"\x1b[?2026l"  # drawn as a whole, where the terminal can
_FALLBACK = (80, 24)


class TerminalGone(Exception):
    """Nobody can see what is drawn any more: its window was closed, its connection lost."""


def require_terminal() -> None:
    """Raises ``ConfigError``: standard input or output is no terminal, or a dumb one."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError("top needs a terminal to draw on; elsewhere: ticketpool status")
    if os.environ.get("TERM", "dumb") in ("dumb", "unknown"):
        raise ConfigError("TERM says that this terminal can't be drawn on; ticketpool status can")


class Screen:
    """The terminal while the block runs; left as it was found, however the block ends."""

    def __init__(self) -> None:
        self._in, self._out = sys.stdin.fileno(), sys.stdout.fileno()
        self._console = Console(highlight=False, soft_wrap=True)
        self._before: list[Any] | None = None
        self._drawn: list[Text] = []
        self._size = (0, 0)

    def __enter__(self) -> Self:
        self.enter()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def enter(self) -> None:
        """Take it over: keys come one by one and are not echoed."""
        self._before = termios.tcgetattr(self._in)
        tty.setcbreak(self._in, termios.TCSADRAIN)
        self.redraw()
        self._write(_ENTER)

    def leave(self) -> None:
        """Give it back. May be called again."""
        if self._before is None:
            return
        before, self._before = self._before, None
        with contextlib.suppress(TerminalGone, termios.error):
            self._write(_LEAVE)
            termios.tcsetattr(self._in, termios.TCSADRAIN, before)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines, now."""
        try:
            columns, lines = os.get_terminal_size(self._out)
        except OSError:
            return _FALLBACK
        return (columns, lines) if columns and lines else _FALLBACK

    def redraw(self) -> None:
        """Draw everything the next time, whatever is there."""
        self._drawn = []

    def draw(self, lines: Sequence[Text]) -> None:
        """Show these; only those that have changed are written.

        A line is erased first: behind its last column, that would erase the column.
        """
        size = self.size
        whole = size != self._size or len(lines) != len(self._drawn)
        self._size = size
        before = [None] * len(lines) if whole else self._drawn
        changed = [
            f"\x1b[{at};1H\x1b[K{self._ansi(line)}"
            for at, (line, old) in enumerate(zip(lines, before, strict=True), 1)
            if line != old
        ]
        self._drawn = list(lines)
        if changed:
            clear = b"\x1b[2J" if whole else b""
            self._write(_BEGIN + clear + "".join(changed).encode() + _END)

    def _ansi(self, line: Text) -> str:
        with self._console.capture() as capture:
            self._console.print(line, end="")
        return capture.get()

    def read(self) -> bytes:
        """What was typed; nothing when the terminal is gone. Blocks until there is something."""
        with contextlib.suppress(OSError):
            return os.read(self._in, 4096)
        return b""

    @property
    def keyboard(self) -> int:
        """The file descriptor to wait at."""
        return self._in

    def _write(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._out, data) :]
        except OSError as error:
            if error.errno in (errno.EIO, errno.EPIPE):
                raise TerminalGone from None
            raise
