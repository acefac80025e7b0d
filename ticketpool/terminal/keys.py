"""Bytes from a terminal as keys. Pure."""

import re

_KEY = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1bO[@-~]|\x1b(?![\[O])"
    rb"|[\x00-\x1a\x1c-\x7f]|[\xc0-\xdf].|[\xe0-\xef]..|[\xf0-\xf7]...|[\x80-\xbf\xf8-\xff]",
    re.DOTALL,
)
_NAMES = {
    b"\x1b[A": "up", b"\x1bOA": "up", b"\x1b[B": "down", b"\x1bOB": "down",
    b"\x1b[5~": "pageup", b"\x1b[6~": "pagedown",
    b"\x1b[H": "home", b"\x1bOH": "home", b"\x1b[1~": "home", b"\x1b[7~": "home",
    b"\x1b[F": "end", b"\x1bOF": "end", b"\x1b[4~": "end", b"\x1b[8~": "end",
    b"\x1b": "escape", b"\r": "enter", b"\n": "enter", b"\x7f": "backspace", b"\x08": "backspace",
    b"\x0c": "redraw",
}  # fmt: skip


class Keys:
    """Makes keys of what was read; a sequence may come in several reads."""

    def __init__(self) -> None:
        self._rest = b""

    def waits(self) -> bool:
        """Something has begun that may go on: call ``end`` when nothing follows soon."""
        return bool(self._rest)

    def feed(self, data: bytes) -> list[str]:
        """The keys that are complete: names such as ``up``, or the character itself.

        What is neither (function keys, a mouse) is left out.
        """
        data, self._rest, at = self._rest + data, b"", 0
        found = []
        while at < len(data):
            match = _KEY.match(data, at)
            if match is None or (match.end() == len(data) and match[0] == b"\x1b"):
                self._rest = data[at:]
                break
            found.append(_named(match[0]))
            at = match.end()
        return [key for key in found if key]

    def end(self) -> list[str]:
        """What is open, taken as it is: a lone escape."""
        rest, self._rest = self._rest, b""
        return ["escape"] if rest[:1] == b"\x1b" else []


def _named(sequence: bytes) -> str:
    if sequence in _NAMES:
        return _NAMES[sequence]
    text = sequence.decode(errors="replace")
    return text if len(text) == 1 and text.isprintable() else ""
