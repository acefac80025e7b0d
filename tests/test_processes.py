"""What the tests lean on tells the truth: strays are found, waits end, commands are gone.

In doubt once: a check for left-over processes that looks at children alone misses
the orphans, which are the ones that matter after SIGKILL of a supervisor.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.processes import no_stray
from tests.support import Command, eventually

SLEEP = "import time; time.sleep(600)"

ORPHAN = f"""
import subprocess, sys
nowhere = subprocess.DEVNULL
command = [sys.executable, "-c", {SLEEP!r}]
child = subprocess.Popen(command, start_new_session=True, stdout=nowhere, stderr=nowhere)
print(child.pid, flush=True)
"""

ELDER = f"""
import subprocess, sys
sys.stdin.readline()
child = subprocess.Popen([sys.executable, "-c", {SLEEP!r}])
print(child.pid, flush=True)
sys.stdin.readline()
child.kill()
child.wait()
"""


def test_an_orphan_in_a_session_of_its_own_is_found_and_killed() -> None:
    with pytest.raises(AssertionError, match=r"left behind.*time\.sleep"), no_stray():
        done = subprocess.run([sys.executable, "-c", ORPHAN], capture_output=True, check=True)
    assert not psutil.pid_exists(int(done.stdout))


def test_a_child_that_ends_soon_is_no_stray() -> None:
    with no_stray():
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.2)"])
    child.wait()


def test_processes_from_before_and_their_children_do_not_count() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ELDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as before:
        assert before.stdin is not None
        assert before.stdout is not None
        with no_stray():
            print(file=before.stdin, flush=True)
            child = psutil.Process(int(before.stdout.readline()))
        assert child.is_running()


def test_eventually_returns_what_the_condition_returned() -> None:
    values = iter([0, "", ValueError, 7])

    def condition() -> object:
        value = next(values)
        if value is ValueError:
            raise ValueError
        return value

    assert eventually(condition, every=0) == 7


def test_eventually_tells_what_it_waited_for_and_what_it_saw() -> None:
    nothing: list[int] = []
    with pytest.raises(AssertionError, match=r"not within 0\.01 s.*len\(nothing\) == 3.*was False"):
        eventually(lambda: len(nothing) == 3, seconds=0.01)
    with pytest.raises(AssertionError, match="raised IndexError"):
        eventually(lambda: nothing[0], seconds=0.01)


@pytest.mark.e2e
def test_a_command_tells_its_output_and_exit_code(command: Callable[..., Command]) -> None:
    version = command("--version").expect(0)
    assert version.stdout.startswith("ticketpool, version ")
    wrong = command("no-such-command")
    with pytest.raises(AssertionError, match=r"expected exit code 0.*\(exit code 2\)"):
        wrong.expect(0)
    assert "No such command" in wrong.stderr


def test_a_command_does_not_see_our_own_settings(
    command: Callable[..., Command], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spy = "import os, pathlib; pathlib.Path('environment').write_text(repr(dict(os.environ)))"
    (tmp_path / "sitecustomize.py").write_text(spy)
    monkeypatch.setenv("TICKETPOOL_TEST_BOOTSTRAP", "elsewhere:9092")
    command("--help", environment={"PYTHONPATH": str(tmp_path)}).expect(0)
    seen = (tmp_path / "environment").read_text()
    assert "PYTHONPATH" in seen
    assert "TICKETPOOL_TEST_BOOTSTRAP" not in seen
