"""What a supervisor may be asked on its control socket, and what it answers.

One JSON object on a line each way, one exchange per connection. ``version`` is checked
before anything else of a request is read, so that two versions can tell each other apart.
"""

from typing import Annotated, Literal

import msgspec

VERSION = 1

MOST_WORKERS = 512
"""That a supervisor may have, as for ``run --workers``."""

Level = Literal["debug", "info", "warning", "error"]
Number = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
Topic = Annotated[str, msgspec.Meta(min_length=1, max_length=249)]


class _Request(msgspec.Struct, frozen=True, kw_only=True, tag_field="command"):
    pass


class _Chosen(_Request, frozen=True, kw_only=True):
    """Partitions: ``everything``, or those of these numbers. ``topic`` may be left out where
    one topic is read."""

    topic: Topic | None = None
    partitions: Annotated[list[Number], msgspec.Meta(max_length=4096)] = []
    everything: bool = False


class Pause(_Chosen, tag="pause", frozen=True):
    """Run nothing more of these partitions."""


class Resume(_Chosen, tag="resume", frozen=True):
    """Go on with these partitions."""


class Move(_Request, tag="move", frozen=True, kw_only=True):
    """Let another worker serve a partition; answered when it does, or after ``seconds``."""

    topic: Topic | None = None
    partition: Number
    worker: Number
    seconds: Seconds = 30.0


class Scale(_Request, tag="scale", frozen=True, kw_only=True):
    """Have so many workers; answered when there are, or after ``seconds``."""

    workers: Annotated[int, msgspec.Meta(ge=1, le=MOST_WORKERS)]
    seconds: Seconds = 30.0


class Restart(_Request, tag="restart", frozen=True, kw_only=True):
    """Replace the worker that has this partition, or this worker, by a fresh process.

    ``seconds``: what still runs then is cut off, and called again.
    """

    topic: Topic | None = None
    partition: Number | None = None
    worker: Number | None = None
    seconds: Seconds = 5.0


class Drain(_Request, tag="drain", frozen=True):
    """As SIGTERM; answered at the very end."""


class LogLevel(_Request, tag="log-level", frozen=True, kw_only=True):
    """The least level that is logged from now on."""

    log_level: Level


class Trace(_Request, tag="trace", frozen=True, kw_only=True):
    """The stack of the worker that has this partition, or of this worker.

    ``everything``: of all its threads and tasks, not only those that run records.
    """

    topic: Topic | None = None
    partition: Number | None = None
    worker: Number | None = None
    everything: bool = False


class Who(_Request, tag="who", frozen=True):
    """Who answers here? For a client that has to choose."""


Request = Pause | Resume | Move | Scale | Restart | Drain | LogLevel | Trace | Who


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of it, in words for people.

    Attributes:
        lines: what to show.
        exit_code: of the command that asked; 0: done.
    """

    lines: list[str]
    exit_code: int = 0


class Caller(msgspec.Struct, frozen=True):
    """Who asks, as the kernel says (SO_PEERCRED, unix(7))."""

    pid: int
    uid: int
