"""A control socket whose requests a thread answers, as the supervisor's loop would."""

import contextlib
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue

import pytest

from ticketpool.control.requests import Answer
from ticketpool.control.server import Call, Server

Serve = Callable[..., contextlib.AbstractContextManager[Server]]


@contextlib.contextmanager
def serving(where: str, group: str = "shop", *, answered: bool = True) -> Iterator[Server]:
    """Each request is answered with its own words; ``answered=False``: a loop that is stuck."""
    calls: SimpleQueue[Call] = SimpleQueue()
    server = Server(where, group, calls)
    over = threading.Event()

    def loop() -> None:
        while not over.is_set():
            with contextlib.suppress(Empty):
                call = calls.get(timeout=0.02)
                call.answer(Answer([f"{group}: {call.request!r}", f"uid {call.caller.uid}"]))

    thread = threading.Thread(target=loop if answered else over.wait)
    thread.start()
    try:
        yield server
    finally:
        over.set()
        thread.join()
        server.close()


@pytest.fixture
def serve() -> Serve:
    """``with serve("auto", "group") as server``."""
    return serving


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime directory of this test's own: no other supervisor is found there. Its path is
    short, as that of a socket has to be."""
    with tempfile.TemporaryDirectory(prefix="run-") as name:
        yield _only_place(Path(name), monkeypatch)


def _only_place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder
