"""What systemd wants to hear from a service, without a library.

*Supervisor side.* The protocol is one datagram of ``NAME=value`` lines to the
socket named in ``NOTIFY_SOCKET`` (sd_notify(3)). Nothing here raises or waits
long: a deaf systemd must not stop the work.
"""

import os
import socket
from collections.abc import MutableMapping

_SEND_SECONDS = 0.2  # systemd's queue is full: give up rather than hold the supervisor's loop


def notify(message: str, address: str | None) -> bool:
    """Send ``message`` to the notify socket ``address``; whether it went out.

    ``address`` is a path, or an abstract name that starts with ``@``, as in
    ``NOTIFY_SOCKET`` (sd_notify(3)); ``None`` and other kinds (vsock) send nothing.
    Waits at most 0.2 s. Never raises.
    """
    if not address or address[0] not in "/@":
        return False
    target = "\0" + address[1:] if address[0] == "@" else address
    kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
    try:
        with socket.socket(socket.AF_UNIX, kind) as sender:
            sender.settimeout(_SEND_SECONDS)
            sender.sendto(message.encode(errors="replace"), target)
    except (OSError, ValueError):  # ValueError: a null byte in the path
        return False
    return True


class Notifier:
    """Tells systemd how the service is; without systemd each call returns False.

    Attributes:
        watchdog_seconds: systemd kills the service when it has not heard
            ``watchdog()`` for so long; ``None``: no watchdog. Ping at half of it
            (sd_watchdog_enabled(3)), which is what ``tend_watchdog`` does.
    """

    def __init__(self, address: str | None = None, watchdog_seconds: float | None = None) -> None:
        self._address = address
        self._pinged_at: float | None = None
        self.watchdog_seconds = watchdog_seconds

    @property
    def active(self) -> bool:
        """Whether systemd listens."""
        return self._address is not None

    def notify(self, message: str) -> bool:
        """Send raw ``NAME=value`` lines; whether they went out."""
        return notify(message, self._address)

    def ready(self, status: str) -> bool:
        """The service is up: ``systemctl start`` returns. ``status`` is shown to people."""
        return self.notify(f"READY=1\n{_status(status)}")

    def stopping(self) -> bool:
        """The service has begun to stop."""
        return self.notify("STOPPING=1")

    def status(self, text: str) -> bool:
        """One line for ``systemctl status``."""
        return self.notify(_status(text))

    def watchdog(self) -> bool:
        """The loop is alive."""
        return self.notify("WATCHDOG=1")

    def tend_watchdog(self, now: float) -> bool:
        """``watchdog()`` if half of its time has passed since the last; whether it was sent.

        ``now``: seconds of any clock that only rises. Cheap enough for every turn of a loop.
        """
        every = self.watchdog_seconds
        if every is None or (self._pinged_at is not None and now - self._pinged_at < every / 2):
            return False
        self._pinged_at = now
        return self.watchdog()

    def extend_timeout(self, seconds: float) -> bool:
        """Ask for so much more time from now on to start, to stop or to run."""
        return self.notify(f"EXTEND_TIMEOUT_USEC={round(seconds * 1e6)}")


def _status(text: str) -> str:
    # A line break would end the field and start another one, such as READY=1.
    return "STATUS=" + " ".join(text.split())


def take_socket(environ: MutableMapping[str, str] = os.environ) -> Notifier:
    """A notifier from the environment, which forgets what systemd put there.

    Call it before workers are started: they must not see the socket, or a handler's
    library could speak for the service.
    """
    names = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
    address, interval, pid = (environ.pop(name, None) for name in names)
    return Notifier(address, _watchdog_seconds(interval, pid))


def _watchdog_seconds(interval: str | None, pid: str | None) -> float | None:
    # sd_watchdog_enabled(3): the variables are for another process if WATCHDOG_PID is not ours.
    if pid is not None and pid != str(os.getpid()):
        return None
    if interval is None or not (interval.isascii() and interval.isdigit()):
        return None
    return int(interval) / 1e6 or None
