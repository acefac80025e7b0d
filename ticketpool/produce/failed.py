"""*Parent side.* The ``--failed`` file: everything that was not delivered, line by line."""

import os
from collections.abc import Iterable

from ticketpool.errors import ConfigError, TicketpoolError
from ticketpool.produce import envelope
from ticketpool.produce.frames import Returned


class FailedFile:
    """Lines are added to what the file holds already; ``close`` it.

    Each is written at once (write(2)), so that a kill loses none.

    Args:
        path: ``None``: nothing is kept.

    Raises:
        ConfigError: it cannot be written.

    Attributes:
        lines: how many were added.
    """

    def __init__(self, path: str | None) -> None:
        self.path = path
        self.lines = 0
        self._fd = -1 if path is None else _opened(path)

    def add(self, lines: Iterable[bytes]) -> None:
        """Append lines (without their ends).

        Raises:
            TicketpoolError: the disk is full, or the like: the run must stop, since what
                fails from now on would be lost.
        """
        if self._fd < 0:
            return
        each = list(lines)
        data = memoryview(b"".join(line + b"\n" for line in each))
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError as error:
            raise TicketpoolError(
                f"--failed {self.path}: {error.strerror}; stopped, since what cannot be "
                f"delivered could not be kept ({len(each)} lines were not)"
            ) from None
        self.lines += len(each)

    def add_returned(self, frame: Returned) -> None:
        """Append what a producer process could not deliver. Raises as ``add``."""
        columns = (frame.reasons, frame.keys, frame.values, frame.timestamps)
        self.add(envelope.ticket(*each) for each in zip(*columns, strict=True))

    def close(self) -> None:
        """Close the file. May be called again."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1


def _opened(path: str) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(f"--failed {path}: {error.strerror}") from None
