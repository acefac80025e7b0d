"""The README's test of a handler and its program work by copy and paste; the plugin costs nothing.

In doubt because pytest loads the plugin at every start, before a coverage tool looks: what
it imports then is never seen to run. And because the handler has to be found by a
worker, which knows nothing of pytest.
"""

import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from ticketpool.kafka.embedded import EmbeddedCluster
from ticketpool.testing.plugin import ticket_pool

README = (Path(__file__).parents[2] / "README.md").read_text()
PLUGIN = "ticketpool.testing.plugin"


def _write(folder: Path, *names: str) -> None:
    for name in names:
        found = re.search(rf"^```python file={name}\n(.*?)^```$", README, re.S | re.M)
        assert found is not None, name
        (folder / name).write_text(found[1])


def _python(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if "TICKETPOOL" not in name},
        capture_output=True,
        text=True,
        timeout=100,
    )


def _pytest(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """As a user calls it; the plugin by hand only where an older ticketpool is installed."""
    installed = entry_points(group="pytest11", name="ticketpool")
    by_hand = () if installed else ("-p", PLUGIN)
    return _python(folder, "-m", "pytest", "-p", "no:cacheprovider", *by_hand, *arguments)


@pytest.mark.e2e
def test_the_readme_s_tests_pass(tmp_path: Path) -> None:
    _write(tmp_path, "shop.py", "test_shop.py")
    done = _pytest(tmp_path, "-q")
    assert "2 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.e2e
def test_the_readme_s_program_works(tmp_path: Path) -> None:
    _write(tmp_path, "shop.py", "app.py")
    with EmbeddedCluster(["tickets"]) as kafka:
        done = _python(tmp_path, "app.py", kafka.bootstrap)
    assert done.returncode == 0, done.stderr
    assert "stands at offset 0" in done.stdout
    assert "ticket-processor-group is served meanwhile" in done.stdout


OTHERS = """
import pytest
from ticketpool.errors import ConfigError, HandlerError, HandlerUnsupported

def handle(value: bytes) -> None:
    pass

def test_what_is_not_settled_is_named(ticket_pool):
    pool = ticket_pool(handle, topics="a", timeout=0.5)  # less than the cluster's group takes
    pool.produce(b"", key="k")
    with pytest.raises(TimeoutError, match=r"within 0.5 s: a\\[\\d\\] from offset 0 to 0"):
        pool.settle()

def test_what_can_t_start_says_so(ticket_pool):
    with pytest.raises(HandlerError, match="no module 'nowhere'"):
        ticket_pool("nowhere:handle")
    with pytest.raises(HandlerUnsupported, match="lambda"):
        ticket_pool(lambda ticket: None)
    with pytest.raises(ConfigError, match="cluster of its own"):
        ticket_pool(handle, bootstrap_servers="localhost:9092")
"""


@pytest.mark.e2e
def test_what_it_tells_of_failures(tmp_path: Path) -> None:
    (tmp_path / "test_others.py").write_text(OTHERS)
    done = _pytest(tmp_path, "-q")
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_loading_the_plugin_imports_nothing_else(tmp_path: Path) -> None:
    program = (
        f"import sys, pytest; before = set(sys.modules); import {PLUGIN};"
        "print(sorted(set(sys.modules) - before))"
    )
    ours = ["ticketpool", "ticketpool.testing", PLUGIN]
    assert _python(tmp_path, "-c", program).stdout.strip() == str(ours)


def test_pytest_shows_what_the_fixture_is(tmp_path: Path) -> None:
    shown = _pytest(tmp_path, "--fixtures", "-q").stdout
    assert "ticket_pool" in shown
    assert str(ticket_pool.__doc__).splitlines()[0] in shown
