"""What crosses between an embedding program and its pool's process."""

import msgspec

from ticketpool.config import RunConfig
from ticketpool.core.status import ServiceStatus
from ticketpool.supervisor.totals import Summary


class _Frame(msgspec.Struct, frozen=True):
    pass


class Begin(_Frame, tag="begin", frozen=True):
    """Program to pool, first: what to run, Kafka's secrets too: a pipe shows them to nobody."""

    config: RunConfig


class Ask(_Frame, tag="ask", frozen=True):
    """Program to pool: answer with ``Status``."""


class Stop(_Frame, tag="stop", frozen=True):
    """Program to pool: drain and end; the second one: end at once."""


class Status(_Frame, tag="status", frozen=True):
    """Pool to program: the newest snapshot."""

    status: ServiceStatus


class Ended(_Frame, tag="ended", frozen=True):
    """Pool to program, last. ``error``: the class's name, ``None`` when all went well."""

    summary: Summary | None
    error: str | None = None
    message: str = ""


FromProgram = Begin | Ask | Stop
FromPool = Status | Ended
