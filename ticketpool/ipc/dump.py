"""What a process says when it crashes: faulthandler's output, kept in shared memory.

Standard error belongs to people; a dump that is to be told with a record's
dead letter has to be found again by the supervisor, also after SIGKILL.
"""

import os

TAIL_BYTES = 3000


def create() -> int:
    """A descriptor of an empty memfd, to be inherited by the child. Raises ``OSError``."""
    return os.memfd_create("ticketpool-dump", os.MFD_CLOEXEC)


def size(fd: int) -> int:
    """How many bytes were written so far."""
    return os.fstat(fd).st_size


def tail(fd: int, start: int = 0, most_bytes: int = TAIL_BYTES) -> str:
    """The end of what was written behind ``start``; the last stacks. Empty when nothing was."""
    text = os.pread(fd, most_bytes, max(size(fd) - most_bytes, start))
    return text.decode(errors="replace").strip()
