"""``ticketpool top``: the loop around the pure parts. Asks in threads, draws in this one."""

import contextlib
import os
import queue
import selectors
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from types import FrameType

from ticketpool.terminal.answers import Answer
from ticketpool.terminal.choices import Choices, press
from ticketpool.terminal.keys import Keys
from ticketpool.terminal.scene import Scene
from ticketpool.terminal.screen import Screen, TerminalGone
from ticketpool.terminal.sightings import Sightings

Ask = Callable[[], Answer]
"""Asks a source; may block, raises nothing on purpose."""

_ESCAPE_SECONDS = 0.05
"""How long after an escape the rest of a key's sequence may come."""
_TICK_SECONDS = 1.0
"""Times that pass are drawn so often, if nothing else is new."""
_PATIENCE_SECONDS = 5.0
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Top:
    """Shows sources until somebody quits. Once, and on the main thread: it takes signals."""

    def __init__(self, sources: Mapping[str, Ask], interval_seconds: float) -> None:
        self._sources, self._interval = sources, interval_seconds
        patience = _PATIENCE_SECONDS + interval_seconds
        self._seen = Sightings(sources, patience, time.monotonic())
        self._answers: queue.SimpleQueue[Answer | Exception] = queue.SimpleQueue()
        self._bell, self._rope = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._choices, self._keys = Choices(), Keys()
        self._view = self._seen.view(time.monotonic())
        self._signals: set[int] = set()

    def run(self) -> None:
        """Returns when it is quit, by key or by signal, or when the terminal has gone."""
        gone = contextlib.suppress(TerminalGone)
        with gone, Screen() as screen, self._heard_signals():
            for ask in self._sources.values():
                threading.Thread(target=self._asking, args=(ask,), daemon=True).start()
            self._show(screen)

    def _show(self, screen: Screen) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(screen.keyboard, selectors.EVENT_READ)
            selector.register(self._bell, selectors.EVENT_READ)
            while not self._choices.over:
                scene = self._draw(screen)
                patience = _ESCAPE_SECONDS if self._keys.waits() else _TICK_SECONDS
                ready = {key.fd for key, _ in selector.select(patience)}
                self._obey(screen, scene, screen.keyboard in ready)
                if self._bell in ready:
                    self._listen(screen)

    def _draw(self, screen: Screen) -> Scene:
        if not self._choices.frozen:
            self._view = self._seen.view(time.monotonic())
        scene = Scene(self._view, self._choices, *screen.size)
        screen.draw(scene.lines)
        return scene

    def _obey(self, screen: Screen, scene: Scene, typed: bool) -> None:
        """Take the keys that have been typed in."""
        if not typed:
            keys = self._keys.end()
        elif data := screen.read():
            keys = self._keys.feed(data)
        else:
            self._leave()
            return
        for key in keys:
            if key == "redraw":
                screen.redraw()
            self._choices = press(self._choices, key, scene.rows, scene.sorts, scene.page)

    def _listen(self, screen: Screen) -> None:
        """Take answers and signals in."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._bell, 4096)
        with contextlib.suppress(queue.Empty):
            while True:
                found = self._answers.get_nowait()
                if isinstance(found, Exception):
                    raise found
                self._seen.add(found, time.monotonic())
        if self._signals.intersection(_ENDS):
            self._leave()
        elif signal.SIGTSTP in self._signals:
            _suspend(screen)
        self._signals.clear()

    def _leave(self) -> None:
        self._choices = Choices(over=True)

    def _asking(self, ask: Ask) -> None:
        """In a thread of its own: ask one source for ever."""
        while True:
            try:
                found: Answer | Exception = ask()
            except Exception as error:
                found = error  # a bug: raised by the loop, where the terminal is given back
            self._answers.put(found)
            self._ring()
            time.sleep(self._interval)

    def _ring(self) -> None:
        with contextlib.suppress(BlockingIOError):  # full: it is heard anyway
            os.write(self._rope, b"!")

    @contextlib.contextmanager
    def _heard_signals(self) -> Iterator[None]:
        """Signals are noted, and the loop is woken; those of before come back afterwards."""
        wanted = (*_ENDS, signal.SIGTSTP, signal.SIGWINCH)
        before = {number: signal.signal(number, self._note) for number in wanted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._signals.add(number)
        self._ring()


def _suspend(screen: Screen) -> None:
    """Ctrl-Z: the shell gets its terminal back; go on when it lets us."""
    screen.leave()
    os.kill(os.getpid(), signal.SIGSTOP)
    screen.enter()
