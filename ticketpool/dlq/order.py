"""What a replay is told, and what it tells."""

import msgspec

from ticketpool.core.selection import Selection


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be replayed, and how.

    Attributes:
        topics: the dead-letter topics.
        group: whose letters; ``progress`` is the group that remembers.
        rate: letters a second; 0: as fast as possible.
        max_replays: a letter that was replayed so often stays.
        release: the first letter of each key does not wait for those before it (``--park-keys``).
    """

    topics: tuple[str, ...]
    group: str
    progress: str
    selection: Selection
    rate: float = 0.0
    max_replays: int = 3
    dry_run: bool = False
    release: bool = False


class Stay(msgspec.Struct, frozen=True):
    """A letter that was not replayed, and why."""

    topic: str
    partition: int
    offset: int
    why: str


class Outcome(msgspec.Struct, kw_only=True):
    """What became of a replay; ``dlq replay --json`` prints it.

    Attributes:
        ok: all that were meant are replayed, or would be.
        stopped: by a signal, before the end.
        replayed: acknowledged by their topics; of a dry run: that would be written.
        before: meant, and replayed by an earlier run.
        stayed: meant, and not replayed, by reason.
        foreign: records that are no letters of ticketpool; nobody knows where they belong.
        others: letters of other groups.
        to: how many to which topic.
        left: letters not reached, since it was stopped.
        next: by partition of the dead-letter topic, the first letter that is not replayed.
        examples: the first few that stayed.
    """

    ok: bool = True
    dry_run: bool = False
    stopped: bool = False
    replayed: int = 0
    before: int = 0
    stayed: dict[str, int] = {}
    foreign: int = 0
    others: int = 0
    to: dict[str, int] = {}
    left: int = 0
    seconds: float = 0.0
    next: dict[str, int] = {}
    examples: list[Stay] = []
