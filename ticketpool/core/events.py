"""What a process notes of its part in the promise: one line of its trace log each.

Offsets, epochs and outcomes; never a key, a value or a header. ``at`` is
``time.monotonic_ns()``, one clock for all processes of a machine
(CLOCK_MONOTONIC, clock_gettime(2)), so the logs of several can be merged.
"""

from typing import Literal

import msgspec

Outcome = Literal["ok", "failed"]


class _Event(msgspec.Struct, frozen=True, gc=False, tag_field="event"):
    at: int


class _Placed(_Event, frozen=True):
    topic: str
    partition: int
    epoch: int


class Process(_Event, tag="process", frozen=True):
    """The first line of every log: who writes it.

    Attributes:
        supervisor: name of the supervisor's log, for a worker.
        clock: names the clock of ``at``: the boot and the time namespace.
    """

    role: Literal["supervisor", "worker"]
    pid: int
    group: str
    clock: str
    slot: int | None = None
    supervisor: str | None = None
    version: str = ""


class Assigned(_Placed, tag="assigned", frozen=True):
    """*Supervisor.* ``epoch`` names this assignment within the process. ``start``: next offset
    to be read; ``None`` without a commit."""

    start: int | None


class Began(_Placed, tag="began", frozen=True):
    """*Supervisor.* The first offset is known, of an assignment without a start."""

    offset: int


class Opened(_Placed, tag="opened", frozen=True):
    """*Supervisor.* The worker with that pid is told of the partition as lane ``lane``."""

    lane: int
    pid: int


class Jumped(_Placed, tag="jumped", frozen=True):
    """*Supervisor.* Kafka has no records at these offsets (compaction, transaction markers)."""

    first: int
    last: int


class Delivered(_Placed, tag="delivered", frozen=True):
    """*Supervisor.* Sent to the worker; ``offsets`` are pairs of (first, last)."""

    lane: int
    offsets: list[tuple[int, int]]


class Started(_Event, tag="started", frozen=True):
    """*Worker.* The handler is about to be called."""

    lane: int
    topic: str
    partition: int
    offset: int
    attempt: int


class Ended(_Event, tag="ended", frozen=True):
    """*Worker.* The handler has returned (``ok``) or raised."""

    lane: int
    topic: str
    partition: int
    offset: int
    attempt: int
    outcome: Outcome


class Settled(_Placed, tag="settled", frozen=True):
    """*Supervisor.* All up to ``through`` is finished, as told by an ack or by the words of a
    dead worker; or that one record is given up for the deaths that it caused."""

    through: int
    by: Literal["ack", "words", "deaths"]


class DeadLettered(_Placed, tag="dead_lettered", frozen=True):
    """*Supervisor.* The dead letter is acknowledged."""

    offset: int


class Skipped(_Placed, tag="skipped", frozen=True):
    """*Supervisor.* Passed over, as ``--on-failure skip`` says."""

    offset: int


class Committing(_Placed, tag="committing", frozen=True, omit_defaults=True):
    """*Supervisor.* A commit of ``offset``, the next to read, is about to be sent. ``with_held``:
    pairs of (first, last) of records before it whose dead letters and outputs are written in
    the same transaction."""

    offset: int
    with_held: list[tuple[int, int]] = []


class Committed(_Event, tag="committed", frozen=True):
    """*Supervisor.* What the broker said to a commit. ``epoch``: ``None`` when the partition
    has been given up meanwhile; ``error``: why it was refused, ``None`` if it was not."""

    topic: str
    partition: int
    epoch: int | None
    offset: int
    error: str | None


class Abandoned(_Placed, tag="abandoned", frozen=True):
    """*Supervisor.* Something will stay unsettled: the drain was cut off, or policy stops here."""


class Closing(_Placed, tag="closing", frozen=True):
    """*Supervisor.* The worker is told to finish the record at hand and drop the rest."""


class HandedBack(_Placed, tag="handed_back", frozen=True):
    """*Supervisor.* The worker has closed lane ``lane`` and will begin nothing more of it; what
    it had not begun may be sent to another lane."""

    lane: int


class Revoked(_Placed, tag="revoked", frozen=True):
    """*Supervisor.* Given up, in order: nothing of ours runs there any more."""


class Lost(_Placed, tag="lost", frozen=True):
    """*Supervisor.* Taken away: nothing of ours runs there any more, nothing is committed."""


class WorkerExited(_Event, tag="worker_exited", frozen=True):
    """*Supervisor.* A worker is dead; what it had finished is settled."""

    slot: int
    pid: int
    reason: str


class Stopped(_Event, tag="stopped", frozen=True):
    """*Supervisor.* Stopped in order; all its workers are dead."""


Event = (
    Process
    | Assigned
    | Began
    | Opened
    | Jumped
    | Delivered
    | Started
    | Ended
    | Settled
    | DeadLettered
    | Skipped
    | Committing
    | Committed
    | Abandoned
    | Closing
    | HandedBack
    | Revoked
    | Lost
    | WorkerExited
    | Stopped
)


def ranges(offsets: list[int]) -> list[tuple[int, int]]:
    """Rising offsets as pairs of (first, last).

    >>> ranges([4, 5, 6, 9])
    [(4, 6), (9, 9)]
    """
    if not offsets:
        return []
    first, last = offsets[0], offsets[-1]
    if last - first == len(offsets) - 1:
        return [(first, last)]
    pairs = []
    before = first
    for offset in offsets[1:]:
        if offset != before + 1:
            pairs.append((first, before))
            first = offset
        before = offset
    return [*pairs, (first, last)]
