"""Where the demo is shown: live on a terminal, as plain lines elsewhere."""

import sys
from typing import Protocol, Self, TextIO

from rich.console import Console
from rich.live import Live

from ticketpool.demo.scene import Scene
from ticketpool.demo.view import render
from ticketpool.terminal.words import milliseconds

_LINE_SECONDS = 1.0


class Show(Protocol):
    """Something that shows scenes between entering and leaving it."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def show(self, scene: Scene) -> None:
        """Show a scene. Quick; called about ten times a second."""
        ...


def choose() -> Show:
    """The live view where standard error is a terminal, else lines on it."""
    return LiveShow() if sys.stderr.isatty() else LineShow(sys.stderr)


class LiveShow:
    """A screenful that is drawn over, and gone at the end."""

    def __init__(self) -> None:
        self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, scene: Scene) -> None:
        """Draw it."""
        self._live.update(render(scene, self._live.console.width), refresh=True)


class LineShow:
    """A line for each second, each stage and the crash."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._said: object = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._out.flush()

    def show(self, scene: Scene) -> None:
        """Write a line if there is something new to say."""
        news = (scene.stage, int(scene.seconds / _LINE_SECONDS), scene.crash)
        if news != self._said:
            self._said = news
            print(line(scene), file=self._out, flush=True)


def line(scene: Scene) -> str:
    """A scene as one line."""
    parts = [f"{scene.stage:<10}"]
    if scene.seconds:
        parts.append(f"{scene.handled:>6,} of {scene.config.expected:,}  {scene.rate:>5,.0f}/s")
        parts.append(f"lag {scene.lag:,}  p99 {milliseconds(scene.p99_ms)}")
    if scene.crash is not None:
        back = scene.crash.restart_seconds is not None
        parts.append(f"worker {scene.crash.worker} killed" + (" and replaced" if back else ""))
    return "  ".join(parts)
