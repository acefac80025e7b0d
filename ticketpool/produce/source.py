"""*Parent side.* The input: a file or standard input, read a piece at a time."""

import os
import select
import stat

from ticketpool.errors import ConfigError, TicketpoolError

PIECE = 256 << 10
"""Bytes read at a time: some thousand lines, and small beside everything else that is held."""

STANDARD_INPUT = "-"


class Source:
    """An open input; ``close`` it.

    Args:
        name: path of a file or a pipe, ``-`` for standard input.

    Raises:
        ConfigError: it is not there, a folder, or may not be read.

    Attributes:
        fd: its descriptor, for a selector, where ``waits``.
        waits: its data may be late (pipe, terminal, socket). A file's never is.
        ended: all of it has been read.
    """

    def __init__(self, name: str) -> None:
        self.name = "standard input" if name == STANDARD_INPUT else name
        self.fd = _opened(name)
        mode = os.fstat(self.fd).st_mode
        self.waits = _can_wait(self.fd)
        self.ended = False
        if stat.S_ISDIR(mode):
            self.close()
            raise ConfigError(f"--input {name}: is a folder; name a file, or - for standard input")

    def read(self) -> bytes:
        """The next piece; empty when nothing is there now, or when it has ``ended``.

        Never blocks. Raises ``TicketpoolError`` when the system cannot read it.
        """
        if self.waits and not _readable(self.fd):
            return b""
        try:
            piece = os.read(self.fd, PIECE)
        except OSError as error:
            raise TicketpoolError(f"--input {self.name}: {error.strerror}") from None
        self.ended = not piece
        return piece

    def is_same_as(self, path: str) -> bool:
        """Whether that path leads to the same file."""
        try:
            return os.path.samestat(os.fstat(self.fd), os.stat(path))
        except OSError:
            return False

    def close(self) -> None:
        """Close it. May be called again; standard input stays open."""
        if self.fd > 0:
            os.close(self.fd)
        self.fd = -1


def _opened(name: str) -> int:
    if name == STANDARD_INPUT:
        return 0
    try:
        return os.open(name, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigError(f"--input {name}: {error.strerror}") from None


def _can_wait(fd: int) -> bool:
    """Files and /dev/null are always ready, and epoll refuses them (epoll_ctl(2), EPERM)."""
    with select.epoll() as epoll:
        try:
            epoll.register(fd)
        except PermissionError:
            return False
    return True


def _readable(fd: int) -> bool:
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    return bool(poller.poll(0))
