"""``python -m ticketpool.demo.tie PARENT ARGS...``: ``ticketpool ARGS`` that dies with its parent.

The kernel keeps PR_SET_PDEATHSIG across an exec (prctl(2)), so the command
itself is the real one and knows nothing of this.
"""

import os
import sys

from ticketpool.ipc.inside import die_with_parent


def main() -> None:
    """Ask to be killed with the parent, then become the command."""
    parent, arguments = int(sys.argv[1]), sys.argv[2:]
    die_with_parent()
    if os.getppid() != parent:  # it died before we had asked
        sys.exit(1)
    command = [sys.executable, *(f"-W{option}" for option in sys.warnoptions), "-m", "ticketpool"]
    os.execv(sys.executable, [*command, *arguments])  # noqa: S606 - our own interpreter, no shell


if __name__ == "__main__":
    main()
