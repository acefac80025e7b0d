"""``ticketpool run`` and the bare loop, started on the same topic with the same handler."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

from benchmarks import bare_consumer
from tests.broker import Broker
from tests.support import Command

_HERE = Path(__file__).parent
_NOTHING: Mapping[str, str] = {}


class Contenders:
    """Starts both. A context manager: bare loops that still run at its end are killed.

    Args:
        folder: where ours runs; gets a copy of the handlers.
        command: starts ``ticketpool ARGUMENTS`` in that folder.

    Attributes:
        journal: the folder to which handlers write, unless ``JOURNAL`` says otherwise.
    """

    def __init__(self, kafka: Broker, folder: Path, command: Callable[..., Command]) -> None:
        self.journal = folder / "journal"
        self.journal.mkdir()
        self._kafka = kafka
        self._command = command
        self._loops: list[subprocess.Popen[str]] = []
        shutil.copy(_HERE / "handlers.py", folder)

    def __enter__(self) -> "Contenders":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for loop in self._loops:
            loop.kill()
            loop.communicate()

    def run(
        self, handler: str, topic: str, group: str, *options: str,
        environment: Mapping[str, str] = _NOTHING,
    ) -> Command:  # fmt: skip
        """``ticketpool run`` with one of the benchmarks' handlers, without a listener."""
        return self._command(
            "run", f"handlers:{handler}", "--bootstrap-servers", self._kafka.bootstrap,
            "--topic", topic, "--group", group, "--http", "off", *options,
            environment={"JOURNAL": str(self.journal), **environment},
        )  # fmt: skip

    def ours(
        self, handler: str, topic: str, group: str, count: int, *options: str,
        environment: Mapping[str, str] = _NOTHING, seconds: float = 300,
    ) -> float:  # fmt: skip
        """Records a second of ``ticketpool run``, from the first read to the last settled."""
        service = self.run(
            handler, topic, group, "--until-caught-up", "--json", *options, environment=environment
        )
        told = service.expect(0, seconds).json()
        assert told["processed"] == count
        return float(count / told["seconds"])

    def loop(
        self, topic: str, group: str, count: int, *handler: str, bootstrap: str | None = None,
        environment: Mapping[str, str] = _NOTHING,
    ) -> subprocess.Popen[str]:  # fmt: skip
        """The bare loop in a process of its own; it prints its seconds and ends."""
        where = (bootstrap or self._kafka.bootstrap, topic, str(count), group, *handler)
        loop = subprocess.Popen(
            [sys.executable, bare_consumer.__file__, *where],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "JOURNAL": str(self.journal), **environment},
            text=True,
        )
        self._loops.append(loop)
        return loop

    def bare(
        self, topic: str, group: str, count: int, *handler: str, bootstrap: str | None = None,
        environment: Mapping[str, str] = _NOTHING, seconds: float = 300,
    ) -> float:  # fmt: skip
        """Records a second of the bare loop, from the first read to the last handled."""
        loop = self.loop(
            topic, group, count, *handler, bootstrap=bootstrap, environment=environment
        )
        out, complaint = loop.communicate(timeout=seconds)
        assert loop.returncode == 0, complaint
        return count / float(out)
