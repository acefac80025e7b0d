"""A memory cgroup of limited size, of either version, for a command and all that it starts."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support import NEEDS, eventually

_ROOT = Path("/sys/fs/cgroup")
_LIMITS = {
    _ROOT / "memory": ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"),  # version 1
    _ROOT: ("memory.max", "memory.swap.max"),
}


@contextlib.contextmanager
def limited(mebibytes: int) -> Iterator[list[str]]:
    """What to put before a command that is to have no more memory. Skips where that can't be.

    All that runs in there must have ended when the block ends.
    """
    cgroup = _make(mebibytes << 20)
    try:
        yield ["sh", "-c", 'echo $$ >"$0" && exec "$@"', str(cgroup / "cgroup.procs")]
    finally:
        eventually(lambda: _removed(cgroup))


def _removed(cgroup: Path) -> bool:
    cgroup.rmdir()  # raises while something runs in it
    return True


def _make(size: int) -> Path:
    """A new cgroup below the root of the first version that grants one."""
    name, reasons = f"ticketpool-{uuid4().hex[:8]}", []
    for root, (memory, swap) in _LIMITS.items():
        cgroup = root / name
        try:
            cgroup.mkdir()
            (cgroup / memory).write_text(str(size))
        except OSError as reason:
            reasons.append(f"{root}: {reason.strerror}")  # without the name: one line for all
            with contextlib.suppress(OSError):
                cgroup.rmdir()
            continue
        with contextlib.suppress(OSError):  # there is no swap
            (cgroup / swap).write_text("0" if swap == "memory.swap.max" else str(size))
        return cgroup
    pytest.skip(f"{NEEDS}a memory cgroup of its own: run the tests as root ({'; '.join(reasons)})")
