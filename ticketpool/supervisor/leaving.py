"""Leaving the group, within a deadline whatever the broker does.

librdkafka waits for a coordinator up to ``session.timeout.ms``, and while a commit
is under way neither ``commit`` nor ``close`` nor the client's end can be cut short
(measured: 45 s with a broker that is stopped, longer with one that is paused). So
they run in a thread that is left behind when it is late: the process is about to end.
"""

import threading
from collections.abc import Callable

LEAST_SECONDS = 3.0
"""That long a broker may take to answer, also after a drain that used up its time."""

_LOOK_SECONDS = 0.02


class Leaving(threading.Thread):
    """*Supervisor side.* Runs a task once; a daemon, so that nobody has to wait for its end.

    While ``wait`` waits, the task has what the main thread owns to itself.
    """

    def __init__(self, task: Callable[[], None]) -> None:
        super().__init__(name="leaving", daemon=True)
        self._task = task
        self._error: BaseException | None = None

    def run(self) -> None:
        """What the task raises is kept for ``wait``."""
        try:
            self._task()
        except BaseException as error:
            self._error = error

    def wait(self, enough: Callable[[], bool]) -> None:
        """Until the task has ended or it is ``enough``. Raises what the task raised."""
        while self.is_alive() and not enough():
            self.join(_LOOK_SECONDS)
        if self._error is not None:
            raise self._error
