"""What systemd hears: a sign of life only from a healthy service, and a line for people."""

from ticketpool.core.condition import STATES
from ticketpool.core.status import PartitionStatus, ServiceStatus, total_lag
from ticketpool.systemd import Notifier

EVERY_SECONDS = 10.0
LEAST_SECONDS = 1.0


class Telling:
    """*Supervisor side.* Tends systemd from the newest snapshot; nothing to do without systemd."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._told_at = float("-inf")
        self._told = ""

    def tend(self, now: float, status: ServiceStatus | None) -> None:
        """The watchdog is fed unless ``/healthz`` fails; the line comes each ten seconds, or
        soon after the worst state has changed."""
        if status is None or not status.problems:
            self._notifier.tend_watchdog(now)
        if status is None or not self._notifier.active or now - self._told_at < LEAST_SECONDS:
            return
        what = kind_of_worst(status)
        if what != self._told or now - self._told_at >= EVERY_SECONDS:
            self._told_at, self._told = now, what
            self._notifier.status(line_of(status))


def worst_of(status: ServiceStatus) -> PartitionStatus | None:
    """The partition in the worst state, for the longest of equals; ``None``: all are ok. What a
    person has paused is worth telling only when nothing else is."""

    def badness(one: PartitionStatus) -> tuple[bool, int, float]:
        return not one.held, STATES.index(one.state), one.state_seconds

    bad = [one for one in status.partitions if one.state != "ok"]
    return max(bad, key=badness, default=None)


def kind_of_worst(status: ServiceStatus) -> str:
    """What a change of is worth telling."""
    worst = worst_of(status)
    state = f"{worst.topic}[{worst.partition}] {worst.state}" if worst is not None else "ok"
    return f"{status.state} {state} {bool(status.problems)}"


def line_of(status: ServiceStatus) -> str:
    """One line for ``systemctl status``."""
    lag = total_lag(status.partitions)
    line = f"{status.state}: {len(status.partitions)} partitions on {len(status.workers)} workers"
    line += ", lag not known yet" if lag is None else f", lag {lag:,}"
    if status.problems:
        return f"{line}; UNHEALTHY: {status.problems[0]}"
    worst = worst_of(status)
    if worst is None:
        return f"{line}; all ok"
    why = worst.blame
    reason = f": {why.reason}" if why is not None else ""
    at = f" offset {why.offset}" if why is not None and why.offset is not None else ""
    return f"{line}; {worst.topic}[{worst.partition}]{at} {worst.state}{reason}"
