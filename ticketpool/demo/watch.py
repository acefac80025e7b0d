"""Asking the running service how it is, and killing one of its workers."""

import http.client
import os
import signal
import socket
from pathlib import Path

import msgspec

from ticketpool.core.status import ServiceStatus

_PATIENCE_SECONDS = 0.5


def free_address() -> str:
    """A ``host:port`` of this machine that nobody listens at just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def ask_status(address: str) -> ServiceStatus | None:
    """What ``/api/status`` tells; ``None`` when it does not answer in half a second."""
    connection = http.client.HTTPConnection(address, timeout=_PATIENCE_SECONDS)
    try:
        connection.request("GET", "/api/status")
        response = connection.getresponse()
        body = response.read()
        return msgspec.json.decode(body, type=ServiceStatus) if response.status == 200 else None
    except (OSError, http.client.HTTPException, msgspec.DecodeError):
        return None
    finally:
        connection.close()


def kill_child_of(parent: int, pid: int) -> bool:
    """SIGKILL a process if it is a child of ``parent``; whether it was sent.

    The pid comes from a status that may be old: by pidfd no other process that
    has got the number since can be hit.
    """
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if _parent_of(pid) != parent:
            return False
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        return True
    except ProcessLookupError:
        return False
    finally:
        os.close(pidfd)


def _parent_of(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[1])  # the name in parentheses may hold anything
