"""A terminal for ``top``: a pty, and what would be seen on it."""

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

_SEQUENCE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|([^\x1b]+)")
_HELD_BACK = re.compile(r"\x1b(\[[0-9;?]*)?$")  # the rest is still to come


class Emulator:
    """``ticketpool top`` on a terminal of its own, for as long as the block runs.

    It knows what ``top`` uses: places, erasing, the other screen, the cursor, colour.

    Attributes:
        colours: some text had one.
        other_screen, cursor: as they are now.
    """

    def __init__(
        self, *arguments: str, folder: Path, columns: int = 80, lines: int = 24,
        environment: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._ours, self._theirs = pty.openpty()
        self._cells: dict[int, str] = {}
        self._row = self._column = 1
        self._lock = threading.Lock()
        self.colours = self.other_screen = False
        self.cursor = True
        self.resize(columns, lines, tell=False)
        self.modes: list[Any] = termios.tcgetattr(self._theirs)
        asked = [sys.executable, "-W", "error", "-m", "ticketpool", "top", *arguments]
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("TICKETPOOL_")}
        self.process = subprocess.Popen(
            asked, cwd=folder, stdin=self._theirs, stdout=self._theirs, stderr=self._theirs,
            env=inherited | {"TERM": "xterm-256color"} | dict(environment or {}),
            process_group=0,
        )  # fmt: skip
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()

    @property
    def text(self) -> str:
        """What is seen now."""
        with self._lock:
            last = max(self._cells, default=0)
            return "\n".join(self._cells.get(row, "").rstrip() for row in range(1, last + 1))

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def press(self, keys: str) -> None:
        """Press keys, one at a time."""
        for key in keys:
            os.write(self._ours, key.encode())

    def resize(self, columns: int, lines: int, *, tell: bool = True) -> None:
        """Another size, and the signal that says so."""
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("4H", lines, columns, 0, 0))
        if tell:
            self.process.send_signal(signal.SIGWINCH)

    def hang_up(self) -> None:
        """Close its window."""
        self._over.set()
        self._thread.join()
        os.close(self._ours)
        self._ours = os.open(os.devnull, os.O_RDONLY)

    @property
    def restored(self) -> bool:
        """The terminal is as it was found."""
        same = termios.tcgetattr(self._theirs) == self.modes
        return same and self.cursor and not self.other_screen

    def _follow(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")()  # a read may end within a character
        rest = ""
        while not self._over.is_set():
            if not select.select([self._ours], [], [], 0.02)[0]:
                continue
            rest += decoder.decode(os.read(self._ours, 1 << 16))
            tail = _HELD_BACK.search(rest)
            whole, rest = (rest[: tail.start()], tail[0]) if tail else (rest, "")
            with self._lock:
                for numbers, letter, text in _SEQUENCE.findall(whole):
                    self._write(text) if text else self._obey(numbers, letter)

    def _write(self, text: str) -> None:
        line = self._cells.get(self._row, "").ljust(self._column - 1)
        at = self._column - 1
        self._cells[self._row] = line[:at] + text + line[at + len(text) :]
        self._column += len(text)

    def _obey(self, numbers: str, letter: str) -> None:
        match letter, numbers:
            case "H", _:
                self._row, self._column = (int(one) for one in numbers.split(";"))
            case "J", "2":
                self._cells.clear()
            case "K", _:
                self._cells[self._row] = self._cells.get(self._row, "")[: self._column - 1]
            case "m", _:
                self.colours |= any(one.startswith(("3", "9")) for one in numbers.split(";"))
            case (("h" | "l"), "?1049"):
                self.other_screen = letter == "h"
            case (("h" | "l"), "?25"):
                self.cursor = letter == "h"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._over.set()
        self._thread.join()
        os.close(self._ours)
        os.close(self._theirs)
