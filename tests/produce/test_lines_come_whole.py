"""However the bytes of an input are cut, its lines are the same, and memory is bounded.

In doubt because a read ends anywhere: within a line, a letter, or the end of a line.
"""

from hypothesis import given
from hypothesis import strategies as st

from ticketpool.produce.lines import Line, Overlong, Splitter

PIECES = st.lists(st.lists(st.sampled_from([b"a", b"\xc3", b"\r", b"\n", b'"']), max_size=9))


def _lines(pieces: list[bytes], limit: int = 1 << 20) -> list[Line]:
    splitter = Splitter(limit)
    return [line for piece in pieces for line in splitter.feed(piece)] + splitter.end()


def _expected(data: bytes) -> list[bytes]:
    lines = data.split(b"\n")
    return [line.removesuffix(b"\r") for line in (lines if lines[-1] else lines[:-1])]


@given(PIECES)
def test_any_cut_gives_the_same_lines(cut: list[list[bytes]]) -> None:
    pieces = [b"".join(piece) for piece in cut]
    assert _lines(pieces) == _expected(b"".join(pieces))


@given(PIECES, st.integers(1, 6))
def test_a_long_line_is_told_by_its_place_and_harms_no_other(
    cut: list[list[bytes]], limit: int
) -> None:
    pieces = [b"".join(piece) for piece in cut]
    data = b"".join(pieces)
    whole = data.split(b"\n") if data and not data.endswith(b"\n") else data.split(b"\n")[:-1]
    start = 0
    for line, found in zip(whole, _lines(pieces, limit), strict=True):
        too_long = Overlong(start, len(line)) if len(line) > limit else line.removesuffix(b"\r")
        # Within one piece a line needs no memory of its own, and may be longer.
        assert found in (too_long, line.removesuffix(b"\r"))
        start += len(line) + 1


def test_a_line_without_an_end_is_not_collected() -> None:
    splitter = Splitter(limit=1000)
    for _ in range(10_000):
        assert splitter.feed(b"x" * 100) == []
        assert sum(map(len, splitter._parts)) <= 1000
    assert splitter.feed(b"\nnext\n") == [Overlong(0, 1_000_000), b"next"]


def test_a_mark_of_utf_8_is_left_out_once() -> None:
    assert _lines([b"\xef\xbb\xbf", b"a\n\xef\xbb\xbfb"]) == [b"a", b"\xef\xbb\xbfb"]


def test_an_empty_input_has_no_line() -> None:
    assert _lines([]) == _lines([b""]) == []
    assert _lines([b"\n"]) == [b""]
