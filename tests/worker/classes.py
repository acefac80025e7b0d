"""Class handlers, right and wrong, by name: ``tests.worker.classes:NAME``."""

import asyncio
import os
import sys
import threading
from pathlib import Path

from tests.worker.handlers import act


class Opened:
    """Notes what becomes of it in the file $NOTES, if there is one."""

    def __init__(self) -> None:
        self._note("made")

    def _note(self, what: str) -> None:
        if path := os.environ.get("NOTES"):
            with Path(path).open("a") as file:
                file.write(f"{what} {threading.current_thread().name}\n")

    def open(self) -> None:
        self._note("open")

    def __call__(self, value: bytes) -> None:
        self._note("call")
        act(value)

    def close(self) -> None:
        self._note("close")


class OpenedAsync(Opened):
    async def open(self) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        self._note("open")

    async def __call__(self, value: bytes) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        self._note("call")

    async def close(self) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        self._note("close")


class OpenedOnLoop(Opened):
    async def __call__(self, value: bytes) -> None:  # type: ignore[override]
        self._note("call")


class PlainOpenedAsync(Opened):
    async def open(self) -> None:  # type: ignore[override]
        self._note("open")


class Unopenable(Opened):
    def open(self) -> None:
        threading.Thread(target=threading.Event().wait).start()  # no daemon
        raise ConnectionError("no database")


class UnopenableAsync(Opened):
    async def open(self) -> None:  # type: ignore[override]
        sys.exit("no licence")


class Unclosable(Opened):
    def close(self) -> None:
        threading.Event().wait()


class BadlyClosed(Opened):
    def close(self) -> None:
        raise ValueError("as it says")


class Unmakable(Opened):
    def __init__(self) -> None:
        raise ValueError("no model")


class NeedsMore(Opened):
    def __init__(self, path: str) -> None: ...


class OpensWithMore(Opened):
    def open(self, path: str) -> None: ...  # type: ignore[override]


class Uncallable:
    """No handler: instances of it can't be called."""
