"""What a process says when it crashes: faulthandler's output, kept in shared memory.

Standard error belongs to people; a dump that is to be told with a record's
dead letter has to be found again by the supervisor, also after SIGKILL.
"""

import os

TAIL_BYTES = 3000


def create() -> int:
    """A descriptor of an empty memfd, to be inherited by the child. Raises ``OSError``."""
    return os.memfd_create("ticketpool-dump", os.MFD_CLOEXEC)


def tail(fd: int) -> str:
    """The end of what was written; the last stacks. Empty when nothing was."""
    size = os.fstat(fd).st_size
    text = os.pread(fd, TAIL_BYTES, max(size - TAIL_BYTES, 0))
    return text.decode(errors="replace").strip()
