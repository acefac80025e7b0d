"""What the kernel says of the processes that it killed for want of memory."""

from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")


class OomKills:
    """*Supervisor side.* The kernel's count of such kills in our memory cgroup.

    The workers are born into it, and it counts a kill before it sends the signal
    (mm/oom_kill.c): by the time a worker can be buried its own is in the count.

    Args:
        counter: the file that holds the count; ``None``: the kernel doesn't tell.
    """

    def __init__(self, counter: Path | None) -> None:
        self._counter = counter
        self._seen = self._read()

    def risen(self) -> bool:
        """Whether there was one since the last look. ``False`` where the kernel doesn't tell."""
        before, self._seen = self._seen, self._read()
        return self._seen > before

    def _read(self) -> int:
        try:
            lines = self._counter.read_text().splitlines() if self._counter else []
        except OSError:  # the cgroup was removed, or is not to be seen from in here
            return 0
        found = dict(line.split(maxsplit=1) for line in lines)
        return int(found.get("oom_kill", 0))


def counter(membership: str, root: Path = _ROOT) -> Path | None:
    """The file with the count for a process, from its ``/proc/PID/cgroup`` (cgroups(7))."""
    version_2 = None
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            return root / "memory" / path.lstrip("/") / "memory.oom_control"
        if not controllers:
            version_2 = root / path.lstrip("/") / "memory.events"
    return version_2


def ours() -> OomKills:
    """The count for this process and the workers that it will start."""
    try:
        return OomKills(counter(Path("/proc/self/cgroup").read_text()))
    except OSError:
        return OomKills(None)
