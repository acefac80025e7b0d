"""The demo's child processes: real ``ticketpool`` commands, listened to and never left behind."""

import io
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

import msgspec

from ticketpool.errors import TicketpoolError

_TAIL_LINES = 12


class ChildFailed(TicketpoolError):
    """A command of the demo ended when it should not have; with the end of its log."""


def child_environment(own: Mapping[str, str]) -> dict[str, str]:
    """Our environment without ``TICKETPOOL_*``, which is for commands of the user, plus ``own``."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("TICKETPOOL_")}
    return {**inherited, **own}


class Command:
    """One running command; a context manager that ends it.

    Start it from the main thread only: it dies with the thread that started it.

    Args:
        arguments: of ``ticketpool``; the first is the command's name. It must
            log as JSON on standard error.
        output: file that takes its standard output.
        environment: the whole of it.
        heard: called with each log event's name, on a thread of its own; may not block.
    """

    def __init__(
        self,
        arguments: list[str],
        *,
        output: Path,
        environment: Mapping[str, str],
        heard: Callable[[str], object],
    ) -> None:
        self.name = arguments[0]
        self._heard = heard
        self._output = output
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        tie = [sys.executable, *(f"-W{option}" for option in sys.warnoptions)]
        tie += ["-m", "ticketpool.demo.tie", str(os.getpid())]
        with output.open("wb") as file:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
                [*tie, *arguments],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.PIPE,
                process_group=0,  # the terminal's Ctrl-C is for the demo alone
            )
        self.pid = self._process.pid
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        with self._process.stderr or io.BytesIO() as log:
            for raw in log:
                text = raw.decode(errors="replace").rstrip()
                self._tail.append(text)
                if event := _event(text):
                    self._heard(event)
        self._heard(f"{self.name} ended")

    def ended(self) -> int | None:
        """Its exit code (negative: minus the signal), ``None`` while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """Ask it to finish, by SIGTERM."""
        self._process.send_signal(signal.SIGTERM)  # Popen sends none to a reaped child

    def expect_running(self) -> None:
        """Raises ``ChildFailed`` if it has ended."""
        if (code := self.ended()) is not None:
            raise self.failure(code)

    def failure(self, code: int) -> ChildFailed:
        """What to raise about an exit code that was not to be."""
        self._listener.join(timeout=2)
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        tail = "".join(f"\n  {line}" for line in self._tail) or " and wrote nothing"
        return ChildFailed(f"`ticketpool {self.name}` {how}; the end of its log:{tail}")

    def result(self) -> bytes:
        """Its standard output so far."""
        return self._output.read_bytes()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.ended() is None:
            self._process.kill()  # its own children are tied to it in turn
        self._process.wait()
        self._listener.join(timeout=2)


def _event(text: str) -> str | None:
    try:
        return msgspec.json.decode(text, type=_Line).event
    except msgspec.DecodeError:
        return None


class _Line(msgspec.Struct):
    event: str | None = None
