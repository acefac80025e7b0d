"""What the tests share: waiting on conditions, the command line as a user calls it."""

import inspect
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import msgspec
import psutil
import pytest

T = TypeVar("T")

NEEDS = "needs "
"""How the reason of a skip begins that the terminal summary repeats loudly."""


def eventually(condition: Callable[[], T], *, seconds: float = 10.0, every: float = 0.05) -> T:
    """Call ``condition`` until it returns something true, and return that.

    An exception counts as "not yet": the condition may assert, or ask a server
    that is still coming up.

    Raises:
        AssertionError: not true within ``seconds``; tells the condition's source,
            its last value and its last exception.
    """
    deadline = time.monotonic() + seconds
    while True:
        value, error = _attempt(condition)
        if value:
            return value
        if time.monotonic() >= deadline:
            outcome = f"raised {error!r}" if error else f"was {value!r}"
            raise AssertionError(
                f"not within {seconds:g} s: {_source(condition)}; at last it {outcome}"
            ) from error
        time.sleep(every)


def _attempt(condition: Callable[[], T]) -> tuple[T | None, Exception | None]:
    try:
        return condition(), None
    except Exception as error:
        return None, error


def _source(condition: Callable[[], object]) -> str:
    try:
        return " ".join(inspect.getsource(condition).split())
    except (OSError, TypeError):
        return repr(condition)


def missing(what: str, remedy: str) -> NoReturn:
    """End this test for want of ``what``: skipped and told loudly, failed where CI=true."""
    reason = f"{NEEDS}{what}: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


class Command:
    """``ticketpool ARGUMENTS``, started as a user would, in a process group of its own.

    Warnings are errors in it and in its workers. Its log is JSON unless told otherwise.

    Args:
        folder: where it runs (handlers are imported from here) and where its output goes.
        environment: variables beside ours; our own ``TICKETPOOL_*`` are not passed on.
        by: a command before it that becomes it by exec: ``("nice",)``.
    """

    _numbers = itertools.count(1)

    def __init__(
        self,
        *arguments: str,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        by: Sequence[str] = (),
    ) -> None:
        number = next(self._numbers)
        self.arguments = arguments
        self._out = folder / f"command-{number}.stdout"
        self._err = folder / f"command-{number}.stderr"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(
                [*by, sys.executable, "-W", "error", "-m", "ticketpool", *arguments],
                cwd=folder,
                env=_environment() | dict(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                process_group=0,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def stdout(self) -> str:
        """Standard output so far."""
        return self._out.read_text(errors="replace")

    @property
    def stderr(self) -> str:
        """Standard error so far."""
        return self._err.read_text(errors="replace")

    def json(self) -> dict[str, Any]:
        """Standard output as the one JSON object that it must be."""
        return msgspec.json.decode(self.stdout, type=dict[str, Any])

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        """The log events so far, those called ``name`` or all; other lines are left out."""
        lines = [line for line in self.stderr.splitlines() if line.startswith("{")]
        events = [_event(line) for line in lines]
        return [event for event in events if name in (None, event.get("event"))]

    def await_event(self, name: str, *, seconds: float = 30.0) -> dict[str, Any]:
        """The first log event called ``name``, waited for while the command runs."""

        def found_or_over() -> bool:
            return bool(self.events(name)) or not self.running

        eventually(found_or_over, seconds=seconds)
        events = self.events(name)
        assert events, self._complaint(f"no event {name!r}")
        return events[0]

    def children(self) -> list[psutil.Process]:
        """Its child processes now: the workers."""
        return psutil.Process(self.pid).children()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the command alone, not to its workers."""
        self._process.send_signal(number)

    def wait(self, seconds: float = 60.0) -> int:
        """The exit code. Fails the test with the end of the log when it is still running then."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(self._complaint(f"still running after {seconds:g} s")) from None

    def expect(self, code: int, seconds: float = 60.0) -> "Command":
        """Wait for it and assert its exit code; returns itself."""
        assert self.wait(seconds) == code, self._complaint(f"expected exit code {code}")
        return self

    def close(self) -> None:
        """SIGKILL if it still runs; its workers have to notice by themselves."""
        self._process.kill()
        self._process.wait()

    def _complaint(self, what: str) -> str:
        line = " ".join(("ticketpool", *self.arguments))
        status = self._process.poll()
        return (
            f"{what}: {line} (exit code {status})\n"
            f"--- stdout\n{self.stdout[-2000:]}\n--- stderr\n{self.stderr[-4000:]}"
        )


def _environment() -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("TICKETPOOL_")}
    return inherited | {"TICKETPOOL_LOG_FORMAT": "json"}


def _event(line: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.DecodeError:  # the last line may be half written
        return {}
