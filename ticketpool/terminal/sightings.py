"""What was seen of each source so far: its last answer, since when it is lost. Pure."""

from collections.abc import Iterable

import msgspec

from ticketpool.core.status import ServiceStatus
from ticketpool.terminal.answers import Answer, View

_SILENT = "has not answered"


class Sightings:
    """Answers as they come, in the order of the sources.

    Args:
        sources: names of the sources.
        patience_seconds: after which a source that says nothing at all counts as lost.
        now: seconds of a clock that only rises, as everywhere here.
    """

    def __init__(self, sources: Iterable[str], patience_seconds: float, now: float) -> None:
        self._patience = patience_seconds
        self._last = {
            source: Answer(source=source, trouble="is being asked", reached=False)
            for source in sources
        }
        self._heard = dict.fromkeys(self._last, now)
        self._lost_at = dict.fromkeys(self._last, now)

    def add(self, answer: Answer, now: float) -> None:
        """Take an answer in; one with trouble keeps what the source told before."""
        before = self._last[answer.source]
        if answer.trouble is None:
            cpu = _shares(before.status, answer.status)
            answer = msgspec.structs.replace(answer, cpu=cpu)
            self._lost_at[answer.source] = now
        else:
            answer = msgspec.structs.replace(answer, status=before.status)
            if before.trouble is None:
                self._lost_at[answer.source] = now
        self._last[answer.source] = answer
        self._heard[answer.source] = now

    def view(self, now: float) -> View:
        """All of it as of now."""
        return View(tuple(self._as_of(now, answer) for answer in self._last.values()))

    def _as_of(self, now: float, answer: Answer) -> Answer:
        if answer.trouble is None and now - self._heard[answer.source] > self._patience:
            silent = {"trouble": _SILENT, "reached": False}
            lost = now - self._heard[answer.source]
            return msgspec.structs.replace(answer, lost_seconds=lost, **silent)
        lost = now - self._lost_at[answer.source] if answer.trouble is not None else 0.0
        return msgspec.structs.replace(answer, lost_seconds=lost)


def _shares(before: ServiceStatus | None, after: ServiceStatus | None) -> dict[int, float]:
    """Share of a core that each worker process took between two statuses of one supervisor."""
    if before is None or after is None or after.made_at <= before.made_at:
        return {}
    spent = {one.pid: one.cpu_seconds for one in before.workers}
    took = after.made_at - before.made_at
    return {
        one.pid: max(one.cpu_seconds - then, 0.0) / took
        for one in after.workers
        if one.pid is not None
        and one.cpu_seconds is not None
        and (then := spent.get(one.pid)) is not None
    }
