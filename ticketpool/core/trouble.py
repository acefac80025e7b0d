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
    """

    __slots__ = ("alone", "attempts", "crashes", "offset", "suspect")

    def __init__(
        self, offset: int, attempts: int = 0, crashes: int = 0, *, alone: bool = False
    ) -> None:
        self.offset = offset
        self.attempts = attempts
        self.crashes = crashes
        self.alone = alone
        self.suspect = crashes > 0

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


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Memo).decode


def memo_of(trouble: Trouble | None, *, begun: int | None = None, alone: bool = False) -> str:
    """The memo for the metadata; empty when there is nothing to tell.

    ``begun``: a record whose run has begun and may end this very process; it
    is charged in advance, until progress or a clean end takes that back.
    ``alone``: nothing else runs beside it.
    """
    if begun is not None:
        known = trouble if trouble is not None and trouble.offset == begun else Trouble(begun)
        return _encode(_Memo(begun, known.attempts, known.crashes + 1, alone)).decode()
    if trouble is None or not (trouble.attempts or trouble.crashes):
        return ""
    memo = _Memo(trouble.offset, trouble.attempts, trouble.crashes, trouble.alone)
    return _encode(memo).decode()


def trouble_of(metadata: str | None) -> Trouble | None:
    """What a memo tells; ``None`` for an empty one, and for one that is not ours."""
    if not metadata:
        return None
    try:
        memo = _decode(metadata)
    except Exception:  # anybody may commit anything; msgspec raises more than its own errors
        return None
    return Trouble(memo.offset, memo.attempts, memo.crashes, alone=memo.alone)


def in_words(metadata: str | None) -> str:
    """A memo for people; empty without one.

    >>> in_words(memo_of(Trouble(7, attempts=2)))
    'offset 7: 2 failed calls'
    """
    if not metadata:
        return ""
    trouble = trouble_of(metadata)
    if trouble is None:
        shown = metadata if len(metadata) <= _SHOWN else f"{metadata[:_SHOWN]}…"
        return f"no memo of run: {shown!r}"
    told = [_held(trouble)] if trouble.attempts or trouble.crashes else []
    if _decode_parked(metadata).parked:
        told.append("keys are parked (--park-keys)")
    return "; ".join(told) or f"offset {trouble.offset}: nothing is held against it"


def _held(trouble: Trouble) -> str:
    held = [_counted(trouble.attempts, "failed call")] if trouble.attempts else []
    if trouble.crashes:
        alone = ", nothing else ran" if trouble.alone else ""
        held.append(f"{_counted(trouble.crashes, 'death')} (one may be told in advance{alone})")
    return f"offset {trouble.offset}: {' and '.join(held)}"


class _Parked(msgspec.Struct, frozen=True):
    """What else may ride in a memo; what it says is for others to read."""

    parked: msgspec.Raw = msgspec.Raw()


_decode_parked = msgspec.json.Decoder(_Parked).decode


_SHOWN = 40  # characters of what others have committed


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
