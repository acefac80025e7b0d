"""Asking a supervisor, from the command line: find its socket, ask, hear the answer."""

import socket
from pathlib import Path

from ticketpool.control.places import is_of, sockets
from ticketpool.control.requests import Answer, Request, Who
from ticketpool.control.wire import MOST_ANSWER_BYTES, Line, decode_answer, encode_request
from ticketpool.errors import ControlError, NoSupervisor

_CONNECT_SECONDS = 2.0
_WHO_SECONDS = 3.0


class _Mute(NoSupervisor):
    """It listens, and does not answer."""


class _Closed(NoSupervisor):
    """It ended in the middle, or hung up."""

    def __init__(self) -> None:
        super().__init__(
            "the supervisor closed the connection without an answer: it was killed, or has too "
            "many clients just now; its log tells"
        )


def ask(path: Path, request: Request, seconds: float | None = None) -> Answer:
    """The answer of the supervisor that listens at ``path``.

    Args:
        seconds: to wait for it; ``None``: for as long as the supervisor lives.

    Raises:
        NoSupervisor: nobody listens there, or it ended without an answer.
        ControlError: what came is no answer.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        try:
            server.settimeout(_CONNECT_SECONDS)
            server.connect(str(path))
            server.sendall(encode_request(request))
            server.settimeout(seconds)
            return _answer(server)
        except (TimeoutError, BlockingIOError):
            raise _Mute(
                f"{path}: no answer; is the supervisor stopped, or its loop stuck? /healthz and "
                "its log tell"
            ) from None
        except (ConnectionResetError, BrokenPipeError):
            raise _Closed from None
        except OSError as error:
            raise NoSupervisor(f"{path}: {error.strerror or error}") from None


def _answer(server: socket.socket) -> Answer:
    line = Line(2 * MOST_ANSWER_BYTES)
    while data := server.recv(1 << 16):
        if (whole := line.feed(data)) is not None:
            return decode_answer(whole)
    raise _Closed


def find(group: str | None) -> Path:
    """The socket of the one supervisor of this user, or the one of ``group``.

    Raises:
        NoSupervisor: there is none, or several; the message lists them.
    """
    found = [(path, who) for path in sockets() if (who := _who(path, group)) is not None]
    if len(found) == 1:
        return found[0][0]
    whose = "" if group is None else f" of group {group}"
    if not found:
        raise NoSupervisor(
            f"no supervisor{whose} of this user answers on a control socket; start one with "
            "ticketpool run (as this user, without --control off), or name its socket with "
            "--control PATH"
        )
    listed = "".join(f"\n  --control {path}   {who}" for path, who in found)
    raise NoSupervisor(f"{len(found)} supervisors{whose} are running: name one of them{listed}")


def _who(path: Path, group: str | None) -> str | None:
    """What the supervisor there says of itself; ``None``: it is not meant, or dead."""
    if group is not None and not is_of(path, group):
        return None
    try:
        return " ".join(ask(path, Who(), _WHO_SECONDS).lines)
    except (_Mute, _Closed, ControlError):
        return "does not answer"
    except NoSupervisor:
        return None
