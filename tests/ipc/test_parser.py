"""Bytes in any split make the same frames, and what is no frame never passes for one."""

import builtins
import itertools
import typing
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketpool.errors import FrameError
from ticketpool.ipc import frames
from ticketpool.ipc.frames import (
    HEADER,
    MAX_FRAME,
    Close,
    Closed,
    FromSupervisor,
    FromWorker,
    Parser,
    encode,
)

LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    bytes: st.binary(max_size=40),
    float: st.floats(0, 1e6),
    int: st.integers(-(2**63), 2**63 - 1),
    str: st.text(max_size=20),
    type(None): st.none(),
}


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Anything of a type that a frame may hold, or any frame of a kind."""
    if kind in LEAVES:
        return LEAVES[kind]
    arguments = typing.get_args(kind)
    match typing.get_origin(kind):
        case builtins.list:
            return st.lists(values_of(arguments[0]), max_size=3)
        case builtins.tuple if arguments[-1] is Ellipsis:
            return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
        case builtins.tuple:
            return st.tuples(*map(values_of, arguments))
        case None:
            fields = msgspec.structs.fields(kind)
            return st.builds(kind, **{field.name: values_of(field.type) for field in fields})
        case _:  # a union
            return st.one_of(*map(values_of, arguments))


from_supervisor, from_worker = values_of(FromSupervisor), values_of(FromWorker)


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(place % (len(data) + 1) for place in at)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


def parsed(types: Any, pieces: list[bytes]) -> list[Any]:
    parser: Parser[Any] = Parser(types)
    return [frame for piece in pieces for frame in parser.feed(piece)]


@given(st.lists(from_supervisor, max_size=6), st.lists(st.integers(0, 10_000)))
def test_any_split_gives_a_worker_the_frames_of_the_whole(sent: list[Any], at: list[int]) -> None:
    assert parsed(FromSupervisor, cut(b"".join(map(encode, sent)), at)) == sent


@given(st.lists(from_worker, max_size=6), st.lists(st.integers(0, 10_000)))
def test_any_split_gives_a_supervisor_the_frames_of_the_whole(
    sent: list[Any], at: list[int]
) -> None:
    assert parsed(FromWorker, cut(b"".join(map(encode, sent)), at)) == sent


@given(st.lists(from_worker, max_size=3))
def test_bytes_one_by_one_give_the_frames_of_the_whole(sent: list[Any]) -> None:
    data = b"".join(map(encode, sent))
    assert parsed(FromWorker, [data[i : i + 1] for i in range(len(data))]) == sent


def check_frames_or_frame_error(pieces: list[bytes]) -> None:
    try:
        got = parsed(FromWorker, pieces)
    except FrameError:
        return
    assert all(isinstance(frame, FromWorker) for frame in got)


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_garbage_gives_frames_or_a_frame_error_and_nothing_else(data: bytes, at: list[int]) -> None:
    check_frames_or_frame_error(cut(data, at))


@given(st.binary(max_size=60))
def test_any_body_behind_its_length_gives_a_frame_or_a_frame_error(body: bytes) -> None:
    check_frames_or_frame_error([HEADER.pack(len(body)) + body])


def body(value: object) -> bytes:
    packed = msgspec.msgpack.encode(value)
    return HEADER.pack(len(packed)) + packed


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (HEADER.pack(MAX_FRAME + 1), f"{MAX_FRAME + 1} bytes; the limit is {MAX_FRAME}"),
        (b"\xff\xff\xff\xff", "4294967295 bytes"),
        (body(["unheard", 1]), "Invalid value 'unheard'"),
        (body(["closed", "one"]), "Expected `int`, got `str`"),
        (body(["closed"]), "length"),
        (body({"type": "closed"}), "Expected `array`"),
        (body(["ack", 1, 2, 3, [], [[1]], 4]), "length"),
        (HEADER.pack(0), "Input data was truncated"),
        (HEADER.pack(1) + b"\xc1", "not a frame"),
        (body(["failed", "e", "m"]).replace(b"\xa1e", b"\xa1\xff"), "UnicodeDecodeError"),
        (HEADER.pack(200_000) + b"\x91" * 200_000, "not a frame"),
        (encode(Close(1)), "Invalid value 'close'"),  # a frame of the other direction
    ],
)
def test_what_is_no_frame_is_told_with_its_reason(data: bytes, reason: str) -> None:
    parser: Parser[Any] = Parser(FromWorker)
    with pytest.raises(FrameError, match=reason):
        list(parser.feed(data))


def test_frames_before_the_garbage_are_still_given() -> None:
    parser: Parser[Any] = Parser(FromWorker)
    fed = parser.feed(encode(Closed(1)) + encode(Closed(2)) + b"\xff" * 9)
    assert [next(fed), next(fed)] == [Closed(1), Closed(2)]
    with pytest.raises(FrameError):
        next(fed)


def test_a_frame_that_was_given_does_not_come_again_when_the_loop_ends_with_it() -> None:
    """An ack that raises OutOfOrder must not be acknowledged again while draining."""
    parser: Parser[Any] = Parser(FromWorker)
    data = b"".join(encode(Closed(i)) for i in range(4))
    assert next(parser.feed(data)) == Closed(0)
    assert list(parser.feed(encode(Closed(4)))) == [Closed(i) for i in (1, 2, 3, 4)]
    assert list(parser.feed(b"")) == []


def test_the_length_comes_first_and_little_endian() -> None:
    data = encode(Closed(7))
    assert data[:4] == (len(data) - 4).to_bytes(4, "little")
    assert frames.HEADER.size == 4
