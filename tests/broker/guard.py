"""Runs a command for a test session, and ends it when that session is gone.

``python guard.py FOLDER COMMAND...``: each line on standard input starts the
command and answers with its pid on standard output. At end of file (the session
closed the pipe, or died in any way, SIGKILL included) the command is killed and
FOLDER removed. The command dies with this process too. Standard library only.
"""

import ctypes
import shutil
import signal
import subprocess
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_MNT_DETACH = 2  # sys/mount.h
_libc = ctypes.CDLL(None)


def _die_with_guard() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def main() -> None:
    """Serve until end of file."""
    folder, *command = sys.argv[1:]
    child: subprocess.Popen[bytes] | None = None
    try:
        for _ in sys.stdin:
            if child is not None:
                child.wait()
            child = _run(folder, command)
            print(child.pid, flush=True)
    finally:
        if child is not None:
            child.kill()
            child.wait()
        _libc.umount2(f"{folder}/data".encode(), _MNT_DETACH)  # fails where it is no disk
        shutil.rmtree(folder, ignore_errors=True)


def _run(folder: str, command: list[str]) -> subprocess.Popen[bytes]:
    with open(f"{folder}/broker.log", "ab") as log:
        return subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=_die_with_guard,  # this process has one thread: safe
        )


if __name__ == "__main__":
    main()
