"""Frames of records: built by the supervisor, encoded, and decoded by the worker."""

from collections.abc import Callable

import pytest

from benchmarks.micro.steps import BATCH, VALUE, Measure, frame, messages, per, supervisor
from ticketpool.core.flow import Limits
from ticketpool.core.ledger import Chunk
from ticketpool.ipc.frames import FromSupervisor, Parser, Records, encode, parts
from ticketpool.supervisor.feed import frame_of

LARGE = 900_000
LIMITS = Limits()
COLUMNS = pytest.mark.parametrize("whole", [False, True], ids=["values", "columns"])


@per(BATCH)
@COLUMNS
def test_build(measure: Measure, whole: bool) -> None:
    (lane,) = supervisor().router.lanes.values()
    chunk = Chunk(messages(BATCH, BATCH), range(BATCH))
    built = measure(lambda: frame_of(lane, chunk, LIMITS, whole=whole))
    assert (built.values, len(built.keys)) == ([VALUE] * BATCH, BATCH * whole)


@per(BATCH)
@COLUMNS
def test_encode(measure: Measure, whole: bool) -> None:
    records = frame(whole=whole)
    assert sum(map(len, measure(lambda: parts(records)))) > BATCH * len(VALUE)


@per(BATCH)
@COLUMNS
def test_decode(measure: Measure, whole: bool) -> None:
    sent = frame(whole=whole)
    assert measure(_decoding(encode(sent), 1 << 18)) == [sent]


@per(1)
def test_encode_large(measure: Measure) -> None:
    records = frame(count=1, value=b"x" * LARGE)
    assert sum(map(len, measure(lambda: parts(records)))) > LARGE


@per(1)
def test_decode_large(measure: Measure) -> None:
    sent = frame(count=1, value=b"x" * LARGE)
    assert measure(_decoding(encode(sent), 1 << 18)) == [sent]


def _decoding(data: bytes, read: int) -> Callable[[], list[Records]]:
    """Feeds a parser as ``read(2)`` would: in pieces of at most so many bytes."""
    pieces = [data[i : i + read] for i in range(0, len(data), read)]
    parser: Parser[Records] = Parser(FromSupervisor)
    return lambda: [found for piece in pieces for found in parser.feed(piece)]
