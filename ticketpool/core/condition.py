"""The state of a partition: Burrow's rules, on what the supervisor sees itself. Pure.

Burrow looks at commits, from outside, so its window is ten of them. We see each half second
what is settled, what runs and what is in the way: so a few seconds suffice.

| state | rule |
|---|---|
| blocked | a cause is known that no handler's work would end (``causes.py``) |
| stall | the handler has been at one record, or batch, for much longer than usual |
| stop | with lag, nothing was settled for seconds and nothing runs; or a person has paused it |
| rewind | it was given back at an earlier offset than it had, and has not recovered |
| warn | it advances, and falls further behind all the same, over half a minute |
| ok | everything else; whatever has no lag |

Burrow warns of a lag that stays the same, too. Here some records are always on their way,
so it has to have grown.
"""

from collections import deque
from typing import NamedTuple

import msgspec

from ticketpool.core.causes import Cause

STATES = ("ok", "warn", "rewind", "stall", "stop", "blocked")
"""From the best to the worst."""

WINDOW_SECONDS = 30.0
SAMPLES = 7
_SAMPLE_SECONDS = WINDOW_SECONDS / (SAMPLES - 1)

GRACE_SECONDS = {"retrying": 1.0, "dead-letter": 2.0, "output": 2.0, "fetch": 3.0}
"""How long a cause has to last before it is told: a retry or an acknowledgement that takes
less is everyday. The others are told at once."""

_CALLS = 5  # so many calls make what is usual


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """After how many seconds something takes too long.

    Attributes:
        quiet_seconds: with lag, nothing running and nothing settled.
        handler_seconds: one call of the handler; or twice what is usual, if that is more:
            a handler of seconds must not flicker, one of milliseconds must not hide a hang.
        most_seconds: of a call, whatever is usual.
        commit_seconds: from being settled to being committed.
    """

    quiet_seconds: float = 3.0
    handler_seconds: float = 3.0
    most_seconds: float = float("inf")
    commit_seconds: float = 4.5


class Sight(NamedTuple):
    """What is seen of a partition at one moment.

    Attributes:
        position, committed, lag: as in ``PartitionStatus``.
        running: offset and age in seconds of what its handler runs.
        cause: what is in its way, if that is known.
        refusal: why the last commit was refused.
        unread: the broker has records from there on, and none is read.
    """

    position: int | None
    committed: int | None
    lag: int | None
    running: tuple[int, float] | None = None
    cause: Cause | None = None
    refusal: str = ""
    unread: int | None = None


class Verdict(NamedTuple):
    """``seconds``: for how long it has been in that state; ``cause`` unless it is ok."""

    state: str
    seconds: float
    cause: Cause | None


class Condition:
    """What was seen of one partition, and what that amounts to.

    Args:
        now: seconds of a clock that only rises, as everywhere here.
    """

    def __init__(self, now: float, patience: Patience) -> None:
        self._patience = patience
        self._furthest = self._position = -1
        self._rewound_at = float("-inf")
        self._calls: deque[float] = deque([0.0] * _CALLS, maxlen=_CALLS)
        self._usual = 0.0
        self._state, self._since = "ok", now
        self.reassigned(now)

    def reassigned(self, now: float) -> None:
        """It begins anew, perhaps after another member had it; how far it was is remembered."""
        self._moved_at = self._committed_at = self._cause_at = now
        self._committed: int | None = None
        self._cause: tuple[str, int | None] | None = None
        self._running: tuple[int, float] | None = None
        self._samples: deque[tuple[float, int, int]] = deque(maxlen=SAMPLES)

    def look(self, now: float, sight: Sight) -> Verdict:
        """Take in what is seen now, and judge."""
        self._note_position(now, sight)
        self._note_call(sight.running)
        self._note_commit(now, sight)
        key = sight.cause and sight.cause[:2]
        if key != self._cause:
            self._cause, self._cause_at = key, now
        state, cause = self._judge(now, sight)
        if state != self._state:
            self._state, self._since = state, now
        return Verdict(state, now - self._since, cause)

    # -- what was seen ----------------------------------------------------------------------

    def _note_position(self, now: float, sight: Sight) -> None:
        position, lag = sight.position, sight.lag
        if position is None or not lag or position != self._position:
            self._moved_at = now
        if position is None:
            return
        if position < self._position:
            self._rewound_at = now
        self._position, self._furthest = position, max(position, self._furthest)
        if not lag:
            self._samples.clear()
        elif not self._samples or now - self._samples[-1][0] >= _SAMPLE_SECONDS:
            self._samples.append((now, position, lag))

    def _note_call(self, running: tuple[int, float] | None) -> None:
        """A call has ended when another record runs, none does, or it began anew."""
        last = self._running
        if last and (not running or running[0] != last[0] or running[1] < last[1]):
            self._calls.append(last[1])
            self._usual = sorted(self._calls)[_CALLS // 2]
        self._running = running

    def _note_commit(self, now: float, sight: Sight) -> None:
        nothing_due = sight.position is None or sight.committed == sight.position
        if nothing_due or sight.committed != self._committed:
            self._committed, self._committed_at = sight.committed, now

    # -- what it amounts to -----------------------------------------------------------------

    def _judge(self, now: float, sight: Sight) -> tuple[str, Cause | None]:
        if found := self._known(now, sight):
            return "stop" if found.kind == "paused" else "blocked", found
        if late := self._late_call(sight.running):
            return "stall", late
        if found := self._silence(now, sight):
            return "stop", found
        if self._position < self._furthest and now - self._rewound_at < WINDOW_SECONDS:
            return "rewind", None
        return ("warn" if self._falls_behind() else "ok"), None

    def _known(self, now: float, sight: Sight) -> Cause | None:
        cause = sight.cause
        if cause is not None and (sight.lag or cause.kind != "paused"):
            lasted = now - self._cause_at if cause.seconds is None else cause.seconds
            if lasted >= GRACE_SECONDS.get(cause.kind, 0.0):
                return cause._replace(seconds=lasted)
        waited = now - self._committed_at
        if waited >= self._patience.commit_seconds:
            return Cause("commit", sight.position, sight.refusal, waited)
        return None

    def _late_call(self, running: tuple[int, float] | None) -> Cause | None:
        if running is None:
            return None
        patience = self._patience
        least = max(patience.handler_seconds, 2 * self._usual)
        if running[1] < min(least, patience.most_seconds):
            return None
        return Cause("running", running[0], seconds=running[1])

    def _silence(self, now: float, sight: Sight) -> Cause | None:
        quiet = now - self._moved_at
        if not sight.lag or sight.running or quiet < self._patience.quiet_seconds:
            return None
        if sight.unread is not None:
            return Cause("fetch", sight.unread, "", quiet)
        return Cause("worker", sight.position, "", quiet)

    def _falls_behind(self) -> bool:
        """Over the whole window it advanced, had never less lag than before, and has more at
        the end; whatever was without lag meanwhile has forgotten its samples."""
        samples = self._samples
        if len(samples) < SAMPLES or samples[-1][1] <= samples[0][1]:
            return False
        lags = [lag for _, _, lag in samples]
        return lags[0] < lags[-1] and lags == sorted(lags)
