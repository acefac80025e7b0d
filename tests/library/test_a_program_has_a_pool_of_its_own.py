"""A user's program that runs or embeds a pool: its own handler, its end, its missing guard.

In doubt because the workers import the program for its handler, and because a fork of it
holds the pipe open by which its pool would see that it has ended.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.broker import Broker
from tests.library.pools import topic_of
from tests.run.topics import tickets, write
from ticketpool.library.options import PoolOptions

pytestmark = pytest.mark.e2e


PROGRAM = """
import os, signal
from ticketpool import Pool

def handle(ticket): ...

def pool(**more):
    where = dict(bootstrap_servers=os.environ["SERVERS"], topics=os.environ["TOPIC"])
    return Pool(handle, group=os.environ["GROUP"], workers=1, log_format="json", **where, **more)

how = os.environ["HOW"]
if how == "unguarded":
    pool().run()
if __name__ == "__main__":
    if how == "run":
        print(pool(until_caught_up=True).run().processed)
        raise SystemExit
    with pool():
        if os.fork() == 0:
            signal.pause()  # holds the pipe open
        print("started", flush=True)
        signal.pause()
"""


@contextlib.contextmanager
def program(tmp_path: Path, how: str, options: PoolOptions) -> "Iterator[subprocess.Popen[str]]":
    """The program above, as a user would start it; killed at the end."""
    (tmp_path / "app.py").write_text(PROGRAM)
    where = {"SERVERS": options["bootstrap_servers"], "TOPIC": topic_of(options)}
    with subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=tmp_path,
        env={**os.environ, **where, "GROUP": options["group"], "HOW": how},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_program_that_is_killed_takes_its_pool_along_in_order(
    tmp_path: Path, options: PoolOptions
) -> None:
    with program(tmp_path, "embed", options) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        descendants = psutil.Process(process.pid).children(recursive=True)
        (fork,) = [one for one in descendants if one.cmdline()[1:] == ["app.py"]]
        process.kill()
        descendants.remove(fork)
        _, alive = psutil.wait_procs(descendants, timeout=15)
        fork.kill()
        assert not alive
        log = process.stderr.read()
    assert '"the program has ended"' in log
    assert '"event": "stopped"' in log


def test_run_in_main_does_what_the_command_does(
    kafka: Broker, tmp_path: Path, options: PoolOptions
) -> None:
    write(kafka, topic_of(options), tickets(0, [""] * 7))
    with program(tmp_path, "run", options) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "7\n"), err


def test_a_program_without_a_guard_is_told_to_have_one(
    tmp_path: Path, options: PoolOptions
) -> None:
    """Its workers import it for its handler, and would start pools in their turn."""
    with program(tmp_path, "unguarded", options) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "HandlerError" in err
    assert "under if __name__ == '__main__':" in err
