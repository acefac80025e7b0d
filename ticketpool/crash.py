"""Named crash points, for tests only: the process kills itself where it would hurt most.

``TICKETPOOL_TEST_CRASH=POINT#N@FILE`` arms one point: its N-th passing ends the
process with SIGKILL, as the kernel would, and leaves FILE behind, so that a
successor with the same environment lives. Off, a point costs one call per batch
or per commit, never one per record.
"""

import os
import signal
from typing import Final

VARIABLE: Final = "TICKETPOOL_TEST_CRASH"

POINTS: Final = (
    "supervisor:after-consume",
    "supervisor:before-frame",
    "supervisor:after-frame",
    "supervisor:before-dead-letter-ack",
    "supervisor:after-dead-letter-ack",
    "supervisor:before-commit",
    "supervisor:after-commit",
    "supervisor:inside-revoke",
    "worker:before-batch",
    "worker:before-ack",
    "worker:after-ack",
)

_value, _, _file = os.environ.get(VARIABLE, "").partition("@")
_armed, _, _nth = _value.partition("#")
_left = int(_nth or 1)


def point(name: str) -> None:
    """Die here, if this point is armed and it is the time."""
    if name == _armed:
        _pass_by()


def _pass_by() -> None:
    global _left
    _left -= 1
    if _left:
        return
    try:
        os.close(os.open(_file, os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return  # an earlier process has died for it
    os.kill(os.getpid(), signal.SIGKILL)
