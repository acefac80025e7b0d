"""What is not well, in order of urgency, each with what to do about it. Pure."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ticketpool.core.status import PartitionStatus, ServiceStatus
from ticketpool.terminal.answers import BROKER, Answer, Row, View
from ticketpool.terminal.words import span

URGENCY = {"blocked": 0, "stop": 1, "stall": 2, "rewind": 3, "warn": 4, "paused": 5, "unknown": 6}
"""The most urgent first; what is not named here (ok) comes last."""
WELL = 9
_STUCK = "its figures are {age} old: the supervisor's loop is stuck"


class Finding(NamedTuple):
    """One thing that is not well.

    Attributes:
        about: a partition, a worker or a source.
        words: one sentence.
        remedy: what to do; empty when nobody can say.
        mild: nothing stands still by it.
    """

    about: str
    words: str
    remedy: str = ""
    mild: bool = False


def urgency(state: str) -> int:
    """0 is the most urgent. A state of a later version counts as one to look at."""
    return URGENCY.get(state, WELL if state == "ok" else 4)


def findings(view: View) -> list[Finding]:
    """All of them: sources first, then partitions, the most urgent first."""
    return [*service_findings(view), *partition_findings(view.rows())]


def service_findings(view: View) -> list[Finding]:
    """What is not well with the sources, their brokers and workers."""
    return [finding for answer in view.answers for finding in _of_source(answer)]


def partition_findings(rows: Iterable[Row]) -> list[Finding]:
    """A finding for each partition that is ill."""
    ill = [row for row in rows if row.ill]
    ill.sort(key=lambda row: (urgency(row.state), -(row.partition.lag or 0)))
    return [_of_partition(row) for row in ill]


def _of_source(answer: Answer) -> Iterator[Finding]:
    if answer.trouble is not None:
        since = f" (for {span(answer.lost_seconds)})" if answer.lost_seconds >= 1 else ""
        yield Finding(answer.source, answer.trouble + since, _remedy(answer))
    elif answer.status is not None:
        yield from _of_status(answer, answer.status)


def _remedy(answer: Answer) -> str:
    if answer.reached:
        return ""
    if answer.source == BROKER:
        return "set --bootstrap-servers, or start the broker"
    return "start it there, set --http, or ask the broker alone: --group NAME"


def _of_status(answer: Answer, status: ServiceStatus) -> Iterator[Finding]:
    for problem in status.problems:
        yield Finding(answer.source, problem)
    if not answer.healthy and not status.problems:
        yield Finding(answer.source, _STUCK.format(age=span(answer.age_seconds)))
    if not status.cluster.reachable:
        since = span(status.cluster.since_seconds)
        yield Finding(answer.source, f"no broker has answered it for {since}")
    if not status.ready and answer.source != BROKER:
        yield Finding(answer.source, f"is not ready: {status.state}", mild=True)
    for worker in status.workers:
        if worker.state == "dead":
            end = f": {worker.last_end}" if worker.last_end else ""
            words = f"is dead, to be started again{end}"
            yield Finding(f"{answer.source} worker {worker.slot}", words)


def _of_partition(row: Row) -> Finding:
    one = row.partition
    blame = one.blame
    remedy = blame.remedy if blame is not None else ""
    return Finding(str(row.place), sentence(row), remedy, row.state in ("warn", "paused"))


def sentence(row: Row) -> str:
    """State, since when, at which record, why."""
    one = row.partition
    words = f"{row.state} for {span(one.state_seconds)}"
    if one.blame is None:
        return f"{words}, {behind(one)}"
    at = "" if one.blame.offset is None else f" at offset {one.blame.offset:,}"
    return f"{words}{at}: {one.blame.reason}"


def behind(one: PartitionStatus) -> str:
    """What waits, in words."""
    lag = "of unknown lag" if one.lag is None else f"{one.lag:,} behind"
    return lag if one.time_lag_seconds is None else f"{lag}, {span(one.time_lag_seconds)} late"
