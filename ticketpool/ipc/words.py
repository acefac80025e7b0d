"""Shared words: 64-bit integers that one process writes and another may read at any time.

A store is one aligned 8-byte write, so a reader never sees half a value, and
what a killed process stored last stays readable: that is how the supervisor
knows which record a dead worker was running.
"""

import mmap
import os
from typing import Self


class Words:
    """*Both sides.* An array of ``count`` signed 64-bit integers in anonymous shared memory.

    The memory lives in a memfd (memfd_create(2)): no name in any file system,
    gone with the last process that maps it.

    Attributes:
        fd: descriptor to pass to the child; keep it open until the child has started.
        cells: ``memoryview`` of format ``q``; read and assign by index.
    """

    def __init__(self, fd: int, count: int) -> None:
        self.fd = fd
        self._map = mmap.mmap(fd, count * 8)
        self.cells = memoryview(self._map).cast("q")

    @classmethod
    def create(cls, count: int) -> Self:
        """A new array of zeros. Raises ``OSError`` when out of memory or descriptors."""
        fd = os.memfd_create("ticketpool-words", os.MFD_CLOEXEC)
        try:
            os.ftruncate(fd, count * 8)
            return cls(fd, count)
        except OSError:
            os.close(fd)
            raise

    def close(self) -> None:
        """Unmap and close; the other side's mapping stays valid."""
        if self.fd < 0:
            return
        self.cells.release()
        self._map.close()
        os.close(self.fd)
        self.fd = -1
