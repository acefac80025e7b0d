"""When a new process would do better than this one. Pure.

``/healthz`` and systemd's watchdog have one remedy: a restart. So they fail for what a restart
mends, a loop or a worker that is stuck, and for nothing else: dead letters that can't be written,
brokers that are away, records out of range, a handler that fails are there again after it, and
the records at hand would be delivered twice for nothing. Those are told as the partition's state.
"""

from collections.abc import Iterable

from ticketpool.core.status import PartitionStatus

UNLIMITED_SECONDS = 3600.0
"""Of one call when ``--handler-timeout`` is 0."""

IDLE_SECONDS = 120.0
"""With records to be had, and nothing in the way, so long nothing is read or begun."""

_OURS = ("fetch", "worker")


def problems_of(partitions: Iterable[PartitionStatus], timeout_seconds: float) -> list[str]:
    """Why the process should be replaced, one sentence each.

    ``timeout_seconds``: after which a call should have been ended; 0: it may go on.
    """
    most = timeout_seconds or UNLIMITED_SECONDS
    found = (_problem(partition, most) for partition in partitions)
    return [problem for problem in found if problem is not None]


def _problem(one: PartitionStatus, most: float) -> str | None:
    where = f"{one.topic}[{one.partition}]"
    age = one.in_flight_age_seconds
    if age is not None and age > most:
        return (
            f"{where} offset {one.in_flight_offset}: the handler has been running for {age:.0f} s, "
            f"and was not ended after {most:g} s"
        )
    blame = one.blame
    if one.state == "stop" and blame is not None and blame.kind in _OURS:
        if blame.since_seconds > IDLE_SECONDS:
            return f"{where} offset {blame.offset}: for {blame.since_seconds:.0f} s, {blame.reason}"
    return None
