"""Requests and answers as bytes: a line of JSON each, of limited length."""

import msgspec

from ticketpool.control.requests import VERSION, Answer, Request
from ticketpool.errors import ControlError

MOST_REQUEST_BYTES = 64 << 10
MOST_ANSWER_BYTES = 4 << 20


class _Head(msgspec.Struct):
    version: int


class _Call(msgspec.Struct):
    version: int
    request: Request


_heads = msgspec.json.Decoder(_Head)
_calls = msgspec.json.Decoder(_Call)
_answers = msgspec.json.Decoder(Answer)


def encode_request(request: Request) -> bytes:
    """One line."""
    return msgspec.json.encode(_Call(VERSION, request)) + b"\n"


def encode_answer(answer: Answer) -> bytes:
    """One line, of at most ``MOST_ANSWER_BYTES``: what is longer is cut, and says so."""
    line = msgspec.json.encode(answer) + b"\n"
    if len(line) <= MOST_ANSWER_BYTES:
        return line
    kept = len(answer.lines) * MOST_ANSWER_BYTES // (2 * len(line))
    left = len(answer.lines) - kept
    lines = [line[:10_000] for line in answer.lines[:kept]]
    return encode_answer(Answer([*lines, f"({left} more lines)"], answer.exit_code))


def decode_request(line: bytes) -> Request:
    """Raises ``ControlError``: not a request of our version."""
    try:
        version = _heads.decode(line).version
    except Exception as error:  # msgspec raises UnicodeDecodeError, RecursionError too
        raise ControlError(f"not a request: {error}") from None
    if version != VERSION:
        raise ControlError(
            f"asked in version {version} of the control protocol, this supervisor speaks "
            f"{VERSION}: use the ticketpool that is installed beside it"
        )
    try:
        return _calls.decode(line).request
    except Exception as error:
        raise ControlError(f"not a request: {error}") from None


def decode_answer(line: bytes) -> Answer:
    """Raises ``ControlError``: not an answer."""
    try:
        return _answers.decode(line)
    except Exception as error:
        raise ControlError(f"not an answer of a supervisor: {error}") from None


class Line:
    """Bytes in any split in, one line out. What comes behind the line is of no interest."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._parts = bytearray()

    def feed(self, data: bytes) -> bytes | None:
        """The line without its end, once it is whole. Raises ``ControlError``: too long."""
        at = data.find(b"\n")
        self._parts += data if at < 0 else data[:at]
        if len(self._parts) > self._most:
            raise ControlError(f"more than {self._most} bytes on the control socket")
        return None if at < 0 else bytes(self._parts)
