"""A record that failed or killed before it was finished, and how that outlives a process.

A lane is FIFO: at most one record of a partition is in trouble at a time. Its
counts ride in the metadata of the committed offset (a string of at most 4 kB,
the broker's ``offset.metadata.max.bytes``), so a record that kills the whole
supervisor, or keeps moving between members, still ends as a dead letter.
"""

from typing import Annotated, NamedTuple

import msgspec


class Trouble:
    """What is held against a record.

    Attributes:
        attempts: calls that were made and failed.
        crashes: deaths of workers, or of a supervisor, while it ran or was about to.
        alone: at the last of them nothing else ran, so that nothing else can be to blame.
        suspect: it is to be run alone, because of a death.
        why: what the last failed call raised; empty when that is not known.
    """

    __slots__ = ("alone", "attempts", "crashes", "offset", "suspect", "why")

    def __init__(
        self, offset: int, attempts: int = 0, crashes: int = 0, *, alone: bool = False
    ) -> None:
        self.offset = offset
        self.attempts = attempts
        self.crashes = crashes
        self.alone = alone
        self.suspect = crashes > 0
        self.why = ""

    def failed(self, attempts: int, why: str) -> None:
        """So many calls have failed by now, the last one for that reason."""
        self.attempts, self.why = attempts, why

    def died(self, *, alone: bool) -> None:
        """One death more."""
        self.crashes += 1
        self.alone = alone
        self.suspect = True


class Position(NamedTuple):
    """What is committed for a partition: the next offset to read, and the memo beside it."""

    offset: int
    memo: str = ""


_Offset = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class _Memo(msgspec.Struct, frozen=True, omit_defaults=True, rename={"offset": "ticketpool"}):
    offset: _Offset
    attempts: _Count = 0
    crashes: _Count = 0
    alone: bool = False
    parked: str = ""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Memo).decode


def memo_of(
    trouble: Trouble | None, *, begun: int | None = None, alone: bool = False, parked: str = ""
) -> str:
    """The memo for the metadata; empty when there is nothing to tell.

    ``begun``: a record whose run has begun and may end this very process; it
    is charged in advance, until progress or a clean end takes that back.
    ``alone``: nothing else runs beside it. ``parked``: keys, as ``ParkedKeys.memo`` tells them.
    """
    if begun is not None:
        known = trouble if trouble is not None and trouble.offset == begun else Trouble(begun)
        memo = _Memo(begun, known.attempts, known.crashes + 1, alone, parked)
    elif trouble is not None and (trouble.attempts or trouble.crashes):
        memo = _Memo(trouble.offset, trouble.attempts, trouble.crashes, trouble.alone, parked)
    elif parked:
        memo = _Memo(0, parked=parked)
    else:
        return ""
    return _encode(memo).decode()


def trouble_of(metadata: str | None) -> Trouble | None:
    """What a memo tells; ``None`` for an empty one, and for one that is not ours."""
    memo = _memo(metadata)
    if memo is None:
        return None
    return Trouble(memo.offset, memo.attempts, memo.crashes, alone=memo.alone)


def parked_of(metadata: str | None) -> str:
    """The parked keys that a memo tells of, for ``ParkedKeys``."""
    memo = _memo(metadata)
    return "" if memo is None else memo.parked


def _memo(metadata: str | None) -> _Memo | None:
    if not metadata:
        return None
    try:
        return _decode(metadata)
    except Exception:  # anybody may commit anything; msgspec raises more than its own errors
        return None


def in_words(metadata: str | None) -> str:
    """A memo for people; empty without one.

    >>> in_words(memo_of(Trouble(7, attempts=2)))
    'offset 7: 2 failed calls'
    """
    if not metadata:
        return ""
    memo = _memo(metadata)
    if memo is None:
        shown = metadata if len(metadata) <= _SHOWN else f"{metadata[:_SHOWN]}…"
        return f"no memo of run: {shown!r}"
    parked = "keys are parked (--park-keys)" if memo.parked else ""
    held = _held(memo)
    return "; ".join(text for text in (held, parked) if text) or _NOTHING.format(memo.offset)


def _held(memo: _Memo) -> str:
    held = [_counted(memo.attempts, "failed call")] if memo.attempts else []
    if memo.crashes:
        alone = ", nothing else ran" if memo.alone else ""
        held.append(f"{_counted(memo.crashes, 'death')} (one may be told in advance{alone})")
    return f"offset {memo.offset}: {' and '.join(held)}" if held else ""


_NOTHING = "offset {}: nothing is held against it"
_SHOWN = 40  # characters of what others have committed


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
