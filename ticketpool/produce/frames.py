"""What the coordinator and a producer process tell each other besides the shared words."""

import msgspec

from ticketpool.config import ProduceConfig


class _Frame(msgspec.Struct, frozen=True, gc=False, array_like=True):
    pass


class Hello(_Frame, tag="hello", frozen=True):
    """Coordinator to worker, first. The pipe and not the command line or the
    environment, since ``config`` may hold secrets."""

    slot: int
    workers: int
    run: str
    config: ProduceConfig


class Start(_Frame, tag="start", frozen=True):
    """Coordinator to worker, once all are ready: the common zero of the due times.

    ``at_ns``: ``time.monotonic_ns()``, one clock for all processes of a machine
    (CLOCK_MONOTONIC, clock_gettime(2)).
    """

    at_ns: int


class Lines(_Frame, tag="lines", frozen=True):
    """Coordinator to worker: lines of the input, as columns, to be sent in this order.

    ``timestamps`` in milliseconds, ``None`` for that of sending; empty when none has one.
    """

    keys: list[bytes | None]
    values: list[bytes]
    timestamps: list[int | None]


class End(_Frame, tag="end", frozen=True):
    """Coordinator to worker: no more lines come; deliver what is there, and go."""


class Ready(_Frame, tag="ready", frozen=True):
    """Worker to coordinator: connected, waiting for ``Start``."""


class Failed(_Frame, tag="failed", frozen=True):
    """Worker to coordinator: it cannot start, or not go on; the process ends.

    ``error``: name of a class in ``ticketpool.errors``.
    """

    error: str
    message: str


class Undelivered(_Frame, tag="undelivered", frozen=True):
    """Worker to coordinator: so many more tickets failed for good, and why."""

    reason: str
    count: int


class Returned(_Frame, tag="returned", frozen=True):
    """Worker to coordinator: tickets for the ``--failed`` file, as columns, in order per key."""

    reasons: list[str]
    keys: list[bytes | None]
    values: list[bytes]
    timestamps: list[int | None]


class Outage(_Frame, tag="outage", frozen=True):
    """Worker to coordinator: no broker can be reached; ``None``: one is back."""

    reason: str | None


class Line(_Frame, tag="line", frozen=True):
    """Worker to coordinator: a line for the log. ``level``: a number of ``logging``."""

    level: int
    logger: str
    message: str


FromCoordinator = Hello | Start | Lines | End
FromWorker = Ready | Failed | Undelivered | Returned | Outage | Line
