"""What a child process does first: find its pipe, and die with its parent."""

import ctypes
import faulthandler
import os
import signal
import sys
from types import FrameType
from typing import Any, TypeVar

from ticketpool.ipc.channel import Port
from ticketpool.ipc.words import Words

T = TypeVar("T")

_entered = False

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def is_child() -> bool:
    """Whether this process is a child of ours: it loads user code, and starts no service."""
    return _entered


def enter(incoming: Any, words: int, *, tied: bool = True) -> tuple[Port[Any], Words]:
    """*Worker side.* The child's end of what ``Child`` made; call it first in ``main``.

    Terminal signals are the supervisor's business: SIGINT and SIGTERM do nothing
    here, a stop comes as a frame, as EOF, or as SIGKILL.

    Args:
        incoming: union of the frames that the supervisor may send.
        words: as given to ``Child``.
        tied: be killed when the thread that started us ends; else only EOF tells.
    """
    global _entered
    _entered = True
    # Not SIG_IGN: that outlives exec (execve(2)), and a handler could not terminate
    # a subprocess of its own.
    signal.signal(signal.SIGINT, _do_nothing)
    signal.signal(signal.SIGTERM, _do_nothing)
    if tied:
        die_with_parent()
    pipe_fd, words_fd, dump_fd = map(int, sys.argv[1:4])
    for fd in (pipe_fd, words_fd, dump_fd):
        os.set_inheritable(fd, False)  # a handler's own children must not hold our pipe open
    faulthandler.enable(dump_fd)
    faulthandler.register(signal.SIGUSR1, dump_fd)  # asked for before a hung one is killed
    return Port(pipe_fd, incoming), Words(words_fd, words)


def _do_nothing(number: int, frame: FrameType | None) -> None:
    pass


def die_with_parent() -> None:
    """SIGKILL for us when the parent's starting thread ends (prctl(2)).

    A parent that died before this call is noticed by EOF on the pipe.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
