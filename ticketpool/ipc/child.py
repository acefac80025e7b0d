"""A child process with its pipe, its shared words and a pidfd.

Children are started by exec of a fresh interpreter (``python -m MODULE``), not
by fork: librdkafka's threads do not survive a fork. And not by
``multiprocessing.Process``: its spawn pickles to the child, runs the parent's
``__main__`` again, leaves a resource tracker running and passes the parent's
whole environment (DESIGN.md, "Starting a worker").
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from multiprocessing import Pipe
from typing import Any, Generic, TypeVar

from ticketpool.ipc import dump
from ticketpool.ipc.channel import Channel
from ticketpool.ipc.words import Words

T = TypeVar("T")


class Child(Generic[T]):
    """*Supervisor side.* One child process, from start to reaping.

    Start it from a thread that lives as long, the main one: the child asks the kernel to
    be killed when the *thread* that started it ends (PR_SET_PDEATHSIG, prctl(2)), unless
    it enters untied.

    Args:
        module: what ``python -m`` runs; it calls ``ticketpool.ipc.inside.enter()``.
        incoming: union of the frames that the child may send.
        words: how many shared words the child gets.
        environment: the child's whole environment.
        stdout: descriptor for the child's standard output; ``None`` inherits.

    Raises:
        OSError: out of memory or descriptors; nothing is left behind.

    Attributes:
        pid: process id; valid until ``reap`` has returned a status.
        pidfd: readable once the child has died, whatever its own children do
            (pidfd_open(2)); for a selector.
        channel: our end of the pipe.
        words: shared with the child.
        peak_rss_bytes: most memory that it had resident; 0 until it has been reaped.
    """

    peak_rss_bytes = 0
    _dumped = 0  # bytes of the dump that are not to be told any more

    def __init__(
        self,
        module: str,
        incoming: Any,
        *,
        words: int,
        environment: Mapping[str, str],
        stdout: int | None = None,
    ) -> None:
        ours, theirs = Pipe(duplex=True)
        with ours, theirs, contextlib.ExitStack() as undo:
            self.words = Words.create(words)
            undo.callback(self.words.close)
            self.channel: Channel[T] = Channel(os.dup(ours.fileno()), incoming)
            undo.callback(self.channel.close)
            self._dump_fd = dump.create()
            undo.callback(os.close, self._dump_fd)
            inherited = (theirs.fileno(), self.words.fd, self._dump_fd)
            self._process = _start(module, inherited, environment, stdout)
            undo.callback(self._process.wait)
            undo.callback(self._process.kill)
            self.pid = self._process.pid
            self.pidfd = os.pidfd_open(self.pid)
            undo.pop_all()  # all went well: keep everything

    def signal(self, number: signal.Signals) -> None:
        """Send a signal by pidfd: it can't hit another process that got the pid."""
        if self.pidfd >= 0 and self._process.returncode is None:
            try:
                signal.pidfd_send_signal(self.pidfd, number)
            except ProcessLookupError:
                return

    def kill(self) -> None:
        """SIGKILL. The process runs nothing of ours once ``wait`` has returned."""
        self.signal(signal.SIGKILL)

    def dump(self) -> str:
        """The end of what its faulthandler wrote: at a crash, or when SIGUSR1 asked for it."""
        return dump.tail(self._dump_fd, self._dumped)

    def stacks(self) -> str:
        """All that ``dump`` would tell the end of, up to 64 KiB."""
        return dump.tail(self._dump_fd, self._dumped, 64 << 10)

    def forget_dump(self) -> None:
        """What was dumped so far was asked for by a person: it says nothing of a death."""
        self._dumped = dump.size(self._dump_fd)

    def reap(self) -> int | None:
        """The exit status if the child has ended (negative: minus the signal), else ``None``."""
        return self._collect(os.WNOHANG)

    def _collect(self, options: int) -> int | None:
        # wait4(2) and not Popen: it tells the peak of the memory, too.
        if self._process.returncode is None:
            pid, status, usage = os.wait4(self.pid, options)
            if pid:
                self.peak_rss_bytes = usage.ru_maxrss << 10
                self._process.returncode = os.waitstatus_to_exitcode(status)
        return self._process.returncode

    def wait(self, seconds: float | None = None) -> int | None:
        """Block until the child has ended; ``None`` when it has not within ``seconds``."""
        poller = select.poll()
        poller.register(self.pidfd, select.POLLIN)
        if not poller.poll(None if seconds is None else seconds * 1000):
            return None
        return self._collect(0)

    def close(self) -> None:
        """Release pipe, words and pidfd of a child that has been reaped."""
        self.channel.close()
        self.words.close()
        if self.pidfd >= 0:
            os.close(self._dump_fd)
            os.close(self.pidfd)
            self.pidfd = -1


def _start(
    module: str, fds: Iterable[int], environment: Mapping[str, str], stdout: int | None
) -> subprocess.Popen[bytes]:
    warnings = [f"-W{option}" for option in sys.warnoptions]
    command = [sys.executable, *warnings, "-m", module, *map(str, fds)]
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module, no shell
        command,
        pass_fds=tuple(fds),
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        process_group=0,  # the terminal's Ctrl-C is for the supervisor alone
    )
