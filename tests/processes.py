"""Finding processes that a test left behind, whoever their parent is by now."""

import contextlib
import ctypes
from collections.abc import Iterator

import psutil

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_libc = ctypes.CDLL(None)
_GRACE_SECONDS = 3.0
"""Orphans notice the death of their supervisor by EOF or a signal, within 1-2 s (faults.md)."""


@contextlib.contextmanager
def no_stray() -> Iterator[None]:
    """Assert that the block leaves no descendant of this process running.

    While it runs, this process adopts orphans (PR_SET_CHILD_SUBREAPER, prctl(2)),
    so a worker whose supervisor was killed is still found among our descendants.
    Processes from before, and what they start (the broker's guard), don't count.

    Raises:
        AssertionError: there were some; they have been killed, one by one.
    """
    before = set(psutil.Process().children(recursive=True))
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        strays = _strays(before)
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
    assert not strays, f"left behind (now killed): {strays}"


def _strays(before: set[psutil.Process]) -> list[str]:
    """Wait for descendants to end; kill those that do not and describe them."""
    _, alive = psutil.wait_procs(_descendants(psutil.Process(), before), timeout=_GRACE_SECONDS)
    described = [_describe(process) for process in alive]
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=_GRACE_SECONDS)
    return described


def _descendants(root: psutil.Process, without: set[psutil.Process]) -> list[psutil.Process]:
    found = []
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in root.children():
            if child not in without:
                found += [child, *_descendants(child, without)]
    return found


def _describe(process: psutil.Process) -> str:
    try:
        return f"{process.pid} {' '.join(process.cmdline())}"
    except psutil.Error:
        return f"{process.pid} (a zombie)"
