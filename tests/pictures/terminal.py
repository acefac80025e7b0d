"""Pictures of ``ticketpool top`` and of ``ticketpool demo``, each of a real run.

``python -m tests.pictures terminal`` draws both beside this file; it takes a minute. Everything
runs on an embedded cluster: no broker is needed.
"""

import contextlib
import io
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console, RenderableType

from tests.support import Command, eventually
from ticketpool.demo.conductor import Conductor
from ticketpool.demo.scene import DemoConfig
from ticketpool.demo.scene import Scene as DemoScene
from ticketpool.demo.view import render
from ticketpool.demo.watch import free_address
from ticketpool.kafka.embedded import FETCH_PROPERTY
from ticketpool.terminal.answers import View
from ticketpool.terminal.ask import ask
from ticketpool.terminal.choices import Choices
from ticketpool.terminal.scene import Scene
from ticketpool.terminal.sightings import Sightings

WIDTH, HEIGHT = 100, 27
_STALLED_SECONDS = 25.0
_RATES = {"tickets": "160", "refunds": "60"}
# No font is fetched from anywhere: the reader's own serves.
_FORMAT = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def main(folder: Path) -> None:
    """Draw ``top.svg`` and ``demo.svg`` into a folder."""
    draw_top(folder / "top.svg")
    draw_demo(folder / "demo.svg")


def draw_top(path: Path) -> None:
    """``top`` over a service of which one partition hangs and one is retried."""
    with _service() as address:
        view = _watch(address)
    _save(path, "ticketpool top", Scene(view, Choices(), WIDTH, HEIGHT).lines)


def draw_demo(path: Path) -> None:
    """``demo --crash`` a second after the killed worker was replaced."""
    scenes: list[DemoScene] = []
    config = DemoConfig(seconds=8.0, crash=True)
    verdict = Conductor(config, scenes.append).run()
    assert verdict is not None and verdict.ok, verdict
    back = [s for s in scenes if s.crash is not None and s.crash.restart_seconds is not None]
    scene = [one for one in back if one.stage == "producing"][10]
    _save(path, "ticketpool demo --crash", [render(scene, WIDTH)])


@contextlib.contextmanager
def _service() -> Iterator[str]:
    """A pool under load; its ``--http`` address."""
    with tempfile.TemporaryDirectory(prefix="ticketpool-picture-") as name, _Stack() as stack:
        folder = Path(name)
        shutil.copy(Path(__file__).with_name("handlers.py"), folder)
        start = partial(_start, stack, folder)
        broker = start("broker", "--json", *_each("--topic", _RATES))
        kafka = eventually(lambda: str(broker.json()["bootstrap_servers"]))
        address = free_address()
        start(
            "run", "handlers:handle", "--workers", "4", "--group", "shop", "--retries", "20",
            "--http", address, "--bootstrap-servers", kafka, "-X", FETCH_PROPERTY,
            *_each("--topic", _RATES),
        )  # fmt: skip
        for topic, rate in _RATES.items():
            start("produce", "--topic", topic, "--rate", rate, "--bootstrap-servers", kafka)
        yield address


_Stack = contextlib.ExitStack


def _start(stack: contextlib.ExitStack, folder: Path, *arguments: str) -> Command:
    command = Command(*arguments, folder=folder)
    stack.callback(command.close)
    return command


def _each(option: str, values: Sequence[str] | dict[str, str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def _watch(address: str) -> View:
    """What is seen once the partition that hangs has done so for long enough."""
    seen = Sightings([address], 5.0, time.monotonic())
    while not _stalled(seen.view(time.monotonic())):
        seen.add(ask(address), time.monotonic())
        time.sleep(1.0)  # as ``top`` does
    return _settled(seen.view(time.monotonic()))


def _stalled(view: View) -> bool:
    ages = [row.partition.in_flight_age_seconds or 0.0 for row in view.rows()]
    return max(ages, default=0.0) >= _STALLED_SECONDS


def _settled(view: View) -> View:
    """The same under the address that people have."""
    (answer,) = view.answers
    return View((msgspec.structs.replace(answer, source="127.0.0.1:9464"),))


def _save(path: Path, title: str, lines: Sequence[RenderableType]) -> None:
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, highlight=False,
        color_system="truecolor", legacy_windows=False,
    )  # fmt: skip
    for line in lines:
        console.print(line)
    svg = console.export_svg(title=title, code_format=_FORMAT, unique_id=path.stem)
    path.write_text(svg)
