"""Children to try things in: ``python -m tests.ipc.children`` does as its orders say.

Run by ``ticketpool.ipc.child.Child``; the orders come as frames, the answers too.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from ticketpool.ipc.child import Child
from ticketpool.ipc.inside import enter

WORDS = 16
ROOT = Path(__file__).parents[2]


class Order(msgspec.Struct, frozen=True, array_like=True, tag="order"):
    """``verb`` names a function below."""

    verb: str
    value: int = 0


class Answer(msgspec.Struct, frozen=True, array_like=True, tag="answer"):
    text: str


def environment(**more: str) -> dict[str, str]:
    """Ours, with tests/ importable by a child in whatever folder."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    return {**inherited, "PYTHONPATH": path, **more}


@contextmanager
def child(
    env: Mapping[str, str] | None = None, module: str = "tests.ipc.children"
) -> Iterator[Child[Answer]]:
    """One of these children; killed and reaped at the end."""
    one: Child[Answer] = Child(
        module, Answer, words=WORDS, environment=environment() if env is None else env
    )
    try:
        yield one
    finally:
        one.kill()
        one.wait()
        one.close()


def grandchild() -> str:
    """A process that outlives us, with our standard output; its pid and open descriptors."""
    loop = "import os, sys; print(os.listdir('/proc/self/fd'), flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", loop],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        close_fds=False,  # only what is marked as not inheritable stays out
    )
    assert process.stdout
    listed = process.stdout.readline()
    status = Path(f"/proc/{process.pid}/status").read_text()
    ignored = next(line for line in status.splitlines() if line.startswith("SigIgn"))
    _kept.append(process)
    return f"{process.pid}|{listed.strip()}|{ignored.split()[1]}"


def kinds() -> Iterator[str]:
    """What each of our descriptors is: socket, /memfd, …"""
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the listing's own
            yield os.readlink(entry).partition(":")[0]


_kept: list[subprocess.Popen[str]] = []


def main() -> None:
    port, words = enter(Order, WORDS)
    port.send(Answer("here"))
    for order in port.frames():
        match order:
            case Order("store", value):
                words.cells[3] = value
                port.send(Answer("stored"))
            case Order("environment"):
                raw = Path("/proc/self/environ").read_bytes().split(b"\0")
                port.send(Answer("\n".join(sorted(os.fsdecode(item) for item in raw if item))))
            case Order("grandchild"):
                port.send(Answer(grandchild()))
            case Order("exit", value):
                os._exit(value)
            case Order("descriptors"):
                port.send(Answer(",".join(kinds())))
            case Order("flood", value):
                for _ in range(value):
                    port.send(Answer("x" * 1000))
            case Order("abort"):
                signal.raise_signal(signal.SIGABRT)


if __name__ == "__main__":
    main()
