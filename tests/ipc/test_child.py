"""A child ends when it should, is seen to end, and leaves nothing behind."""

import os
import resource
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.ipc import children
from tests.ipc.children import Answer, Order, child, environment
from tests.support import eventually
from ticketpool.ipc.child import Child

pytestmark = pytest.mark.timeout(60)


def ask(one: Child[Answer], verb: str, value: int = 0) -> str:
    """Send an order and wait for its answer."""
    one.channel.send(Order(verb, value))
    return answer(one)


def answer(one: Child[Answer]) -> str:
    got: list[Answer] = []

    def there() -> bool:
        got.extend(one.channel.receive())
        return bool(got)

    eventually(there, every=0.005)
    return got[-1].text


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def readable(fd: int, seconds: float = 0) -> bool:
    return bool(select.select([fd], [], [], seconds)[0])


def test_a_child_starts_answers_and_is_seen_to_end() -> None:
    with child() as one:
        assert answer(one) == "here"
        assert one.reap() is None
        assert one.wait(0) is None
        assert not readable(one.pidfd)
        one.channel.send(Order("exit", 7))
        assert readable(one.pidfd, 5)
        assert one.wait() == 7
        assert one.reap() == 7
        one.signal(signal.SIGKILL)  # of a child that is gone: no error, nobody else is hit
        one.kill()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT])
def test_death_by_a_signal_is_its_negative_number(number: signal.Signals) -> None:
    with child() as one:
        assert answer(one) == "here"
        one.signal(number)
        assert one.wait(5) == -number


def test_a_stopped_child_can_be_killed() -> None:
    with child() as one:
        assert answer(one) == "here"
        one.signal(signal.SIGSTOP)
        eventually(lambda: psutil.Process(one.pid).status() == psutil.STATUS_STOPPED)
        one.kill()
        assert one.wait(5) == -signal.SIGKILL


def test_signals_of_the_terminal_do_nothing_to_a_child() -> None:
    with child() as one:
        assert answer(one) == "here"
        for _ in range(3):
            one.signal(signal.SIGINT)
            one.signal(signal.SIGTERM)
        assert ask(one, "store", 5) == "stored"
        assert os.getpgid(one.pid) == one.pid  # Ctrl-C goes to a group, not to this one


def test_the_end_of_the_pipe_ends_a_child() -> None:
    with child() as one:
        assert answer(one) == "here"
        one.channel.close()
        assert one.wait(5) == 0


def test_death_is_seen_although_a_grandchild_lives_on_with_its_output() -> None:
    """A pipe as sentinel would never fire: the grandchild holds its other end."""
    with child() as one:
        assert answer(one) == "here"
        pid, listed, ignored = ask(one, "grandchild").split("|")
        survivor = psutil.Process(int(pid))
        try:
            one.kill()
            assert readable(one.pidfd, 5)
            assert one.wait(5) == -signal.SIGKILL
        finally:
            survivor.kill()
            survivor.wait(5)
    assert "'3'" in listed  # its own listing of the folder; more would be ours
    assert len(listed.split(",")) == 4
    assert not int(ignored, 16) & (1 << signal.SIGTERM - 1 | 1 << signal.SIGINT - 1)


def test_the_pipe_reaches_its_end_although_a_grandchild_lives_on() -> None:
    with child() as one:
        assert answer(one) == "here"
        survivor = psutil.Process(int(ask(one, "grandchild").split("|")[0]))
        one.kill()
        assert one.wait(5) == -signal.SIGKILL
        list(one.channel.receive())
        ended = one.channel.ended
        survivor.kill()
        survivor.wait(5)
        assert ended


def test_the_environment_is_exactly_what_was_given() -> None:
    given = {"PYTHONPATH": environment()["PYTHONPATH"], "LC_ALL": "C.UTF-8", "ONLY": "this=that"}
    with child(given) as one:
        assert answer(one) == "here"
        assert ask(one, "environment").splitlines() == sorted(f"{k}={v}" for k, v in given.items())


def test_a_child_holds_its_own_pipe_and_words_and_nobody_elses() -> None:
    with child() as first, child() as second:
        assert answer(first) == answer(second) == "here"
        kinds = ask(second, "descriptors").split(",")
        assert kinds.count("socket") == 1
        assert kinds.count("/memfd") == 3  # the words, mmap's own duplicate, and the dump


def test_thirty_starts_leave_no_descriptor() -> None:
    with child() as one:
        assert answer(one) == "here"
    before = descriptors()
    for _ in range(30):
        with child() as one:
            pass  # killed at once, in whatever state of its start
    assert descriptors() == before


def test_closing_again_is_harmless() -> None:
    one: Child[Answer] = Child("this", Answer, words=1, environment=environment())
    one.kill()
    one.wait()
    one.close()
    one.close()
    one.kill()


@contextmanager
def descriptors_left(count: int) -> Iterator[None]:
    """Let this process open only so many more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = [int(name) for name in os.listdir("/proc/self/fd")]
    free = [fd for fd in range(max(used) + count + 2) if fd not in used]
    resource.setrlimit(resource.RLIMIT_NOFILE, (free[count], hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_start_without_enough_descriptors_fails_and_leaves_nothing() -> None:
    before, outcomes = descriptors(), []
    others = psutil.Process().children()  # the session's broker
    for left in range(14):
        try:
            with descriptors_left(left):
                one: Child[Answer] = Child(
                    "tests.ipc.children", Answer, words=1, environment=environment()
                )
        except OSError:
            outcomes.append(False)
        else:
            outcomes.append(True)
            one.kill()
            one.wait()
            one.close()
        assert descriptors() == before
        assert psutil.Process().children() == others
    assert outcomes == sorted(outcomes)  # too few up to some number, enough from there
    assert set(outcomes) == {True, False}


def test_a_module_that_is_missing_ends_the_child_with_an_error_of_python() -> None:
    with child(module="tests.ipc.no_such_module") as one:
        assert one.wait(10) == 1


PARENT = """
import sys
from tests.ipc.children import Answer, Order, environment
from ticketpool.ipc.child import Child
one = Child("tests.ipc.children", Answer, words=16, environment=environment())
while not list(one.channel.receive()):
    pass
print(one.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.e2e
def test_a_child_dies_with_its_killed_parent() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=children.ROOT,
    ) as parent:
        assert parent.stdout
        orphan = psutil.Process(int(parent.stdout.readline()))
        assert orphan.is_running()
        parent.kill()
        parent.wait()
    eventually(lambda: _is_gone(orphan), seconds=2.0)


def _is_gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.e2e
def test_a_child_that_is_stuck_dies_with_its_killed_parent_too() -> None:
    """It cannot notice the end of the pipe: the kernel's signal has to reach it."""
    source = PARENT.replace("print(", "import os, signal; os.kill(one.pid, signal.SIGSTOP); print(")
    with subprocess.Popen(
        [sys.executable, "-c", source],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=children.ROOT,
    ) as parent:
        assert parent.stdout
        orphan = psutil.Process(int(parent.stdout.readline()))
        eventually(lambda: orphan.status() == psutil.STATUS_STOPPED)
        parent.kill()
        parent.wait()
    eventually(lambda: _is_gone(orphan), seconds=2.0)


def test_the_output_of_a_child_goes_where_it_was_told(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        one: Child[Answer] = Child(
            "this", Answer, words=1, environment=environment(), stdout=out.fileno()
        )
        assert one.wait(10) == 0
        one.close()
    assert "Zen of Python" in (tmp_path / "out").read_text()
