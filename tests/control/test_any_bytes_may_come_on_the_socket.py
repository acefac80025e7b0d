"""Whatever comes on the control socket, the supervisor goes on and the next one is served.

In doubt because anything that runs as the same user can connect: with garbage, with half a
request, with nothing, with a newer version, a thousand times.
"""

import socket
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.control.conftest import Serve, serving
from tests.support import eventually
from ticketpool import masking
from ticketpool.control import server as module
from ticketpool.control import wire
from ticketpool.control.client import ask
from ticketpool.control.requests import (
    MOST_WORKERS,
    VERSION,
    Answer,
    Drain,
    LogLevel,
    Move,
    Pause,
    Request,
    Resume,
    Scale,
    Trace,
    Who,
)
from ticketpool.control.server import MOST_CLIENTS, Server
from ticketpool.errors import ControlError, NoSupervisor

NUMBERS = st.integers(0, 2**31 - 1)
TOPICS = st.none() | st.text(min_size=1, max_size=9)
SOME = st.lists(NUMBERS)
REQUESTS: st.SearchStrategy[Request] = st.one_of(
    st.builds(Pause, topic=TOPICS, partitions=SOME, everything=st.booleans()),
    st.builds(Resume, topic=TOPICS, partitions=SOME, everything=st.booleans()),
    st.builds(Move, topic=TOPICS, partition=NUMBERS, worker=NUMBERS, seconds=st.floats(0, 99)),
    st.builds(Scale, workers=st.integers(1, MOST_WORKERS), seconds=st.floats(0, 99)),
    st.builds(LogLevel, log_level=st.sampled_from(["debug", "error"])),
    st.builds(Trace, topic=TOPICS, partition=st.none() | NUMBERS, worker=st.none() | NUMBERS),
    st.sampled_from([Drain(), Who()]),
)


@given(REQUESTS, st.lists(st.integers(0, 300)), st.binary())
def test_a_request_arrives_in_any_split(request: Request, cuts: list[int], more: bytes) -> None:
    sent = wire.encode_request(request) + more
    line, whole = wire.Line(wire.MOST_REQUEST_BYTES), None
    for start, end in pairwise(sorted({0, *(cut % len(sent) for cut in cuts), len(sent)})):
        if (whole := line.feed(sent[start:end])) is not None:
            break
    assert whole is not None
    assert wire.decode_request(whole) == request


@given(st.binary())
def test_any_bytes_are_refused_in_words_or_understood(line: bytes) -> None:
    try:
        wire.decode_request(line)
    except ControlError as error:
        assert str(error).startswith(("not a request", "asked in version"))


@given(st.recursive(st.none() | st.integers() | st.text(), lambda c: st.lists(c) |
                    st.dictionaries(st.text(), c)))  # fmt: skip
def test_any_json_is_refused_in_words_or_understood(value: object) -> None:
    line = msgspec.json.encode({"version": VERSION, "request": value})
    with pytest.raises(ControlError, match="not a request"):
        wire.decode_request(line)


def test_another_version_is_told_which_one_is_spoken() -> None:
    with pytest.raises(ControlError, match=r"version 99 .* speaks 1: use the ticketpool that is"):
        wire.decode_request(b'{"version": 99, "ask": "what nobody knows yet"}')


def test_what_is_out_of_bounds_is_refused() -> None:
    for command in ("scale", "move"):
        line = {"command": command, "workers": 513, "partition": -1, "worker": 0}
        with pytest.raises(ControlError, match="not a request"):
            wire.decode_request(msgspec.json.encode({"version": 1, "request": line}))


def test_a_line_without_end_is_cut_off() -> None:
    line = wire.Line(100)
    assert line.feed(b"x" * 100) is None
    with pytest.raises(ControlError, match="more than 100 bytes"):
        line.feed(b"x")


@given(st.lists(st.text(max_size=50), max_size=30), st.integers(0, 7))
def test_an_answer_arrives_as_it_was_given(lines: list[str], code: int) -> None:
    line = wire.encode_answer(Answer(lines, code))
    assert line.count(b"\n") == 1
    assert wire.decode_answer(line[:-1]) == Answer(lines, code)


def test_an_answer_too_long_is_cut_and_says_so() -> None:
    line = wire.encode_answer(Answer(["x" * 1000] * 20_000, 3))
    assert len(line) <= wire.MOST_ANSWER_BYTES
    found = wire.decode_answer(line)
    assert found.exit_code == 3
    assert found.lines[-1] == f"({20_000 - len(found.lines) + 1} more lines)"


# -- the server -------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(module, "IO_SECONDS", 0.3)
    with serving(str(tmp_path / "s.sock")) as one:
        yield one


def raw(server: Server, *data: bytes) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(5)
    client.connect(str(server.path))
    for piece in data:
        client.sendall(piece)
    return client


def said(client: socket.socket) -> Answer:
    with client, client.makefile("rb") as file:
        return wire.decode_answer(file.readline())


def is_served(server: Server) -> bool:
    return ask(server.path, Who(), 5).lines[0] == "shop: Who()"


def test_garbage_is_answered_and_the_next_one_served(server: Server) -> None:
    answer = said(raw(server, b"\xff\x00GET / HTTP/1.1\r\n"))
    assert answer.exit_code == 2
    assert "not a request" in answer.lines[0]
    assert is_served(server)


def test_too_much_too_little_and_nothing_at_all_end_in_time(server: Server) -> None:
    flood = raw(server)
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        for _ in range(1000):
            flood.sendall(b"x" * 4096)
    flood.close()
    assert said(raw(server, b'{"version":')).lines == ["no request within 0.3 s"]
    hasty = raw(server, b'{"version":')
    hasty.shutdown(socket.SHUT_WR)
    assert "ended before" in said(hasty).lines[0]
    assert is_served(server)


def test_who_goes_before_the_answer_harms_nobody(server: Server) -> None:
    for _ in range(3 * MOST_CLIENTS):
        raw(server, wire.encode_request(Who())).close()
    assert eventually(lambda: is_served(server))


def test_silent_clients_are_let_in_by_few_and_let_go_soon(server: Server) -> None:
    silent = [raw(server) for _ in range(MOST_CLIENTS)]
    with pytest.raises(NoSupervisor, match="too many clients"):
        ask(server.path, Who(), 5)
    assert eventually(lambda: is_served(server), seconds=5)
    for client in silent:
        client.close()


def test_a_loop_that_is_stuck_is_told_as_such(tmp_path: Path, serve: Serve) -> None:
    with serve(str(tmp_path / "s.sock"), answered=False) as server:
        with pytest.raises(NoSupervisor, match="no answer; is the supervisor stopped"):
            ask(server.path, Who(), 0.2)


def test_what_is_asked_at_the_very_end_is_answered(tmp_path: Path, serve: Serve) -> None:
    with serve(str(tmp_path / "s.sock"), answered=False) as server:
        late = raw(server, wire.encode_request(Drain()))
        eventually(lambda: not server._calls.empty())
    assert said(late).lines == ["the supervisor has ended"]
    assert not server.path.exists()


def test_an_answer_tells_no_secret(
    tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process prints it, that knows of no secrets."""
    monkeypatch.setattr(masking, "_known", ())
    masking.hide("hunter2!")
    with serve(str(tmp_path / "s.sock"), "hunter2!") as server:
        assert ask(server.path, Who()).lines[0].startswith("***: ")
