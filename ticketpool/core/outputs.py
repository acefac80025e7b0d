"""What a handler sends: records that the supervisor is to write before the ticket counts."""

import re
from collections.abc import Callable, Iterable

import msgspec

from ticketpool.core.values import SendableText, encoded, raw

MAX_BYTES = 32 << 20
"""What one call may send in all; its outputs cross the pipe in one frame."""

Headers = tuple[tuple[str, bytes | None], ...]

_SEND = "Context.send"
_LEGAL_TOPIC = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,249}\Z")  # Kafka: Topic.validate
_OVERHEAD_BYTES = 100  # of the record's frame around its parts


class Output(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A record that the handler of the ticket at ``offset`` has sent, as it will be written."""

    offset: int
    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        headers = sum(len(name) + len(value or b"") for name, value in self.headers)
        return len(self.key or b"") + len(self.value or b"") + headers + _OVERHEAD_BYTES


class Outbox(msgspec.Struct, eq=False, gc=False):
    """What one call has sent so far. All are equal: it is no part of what a ``Context`` says.

    Attributes:
        outputs: in the order sent.
        size: their bytes, about.
        open: the call has not returned yet.
        carry: what each output gets as further headers (a trace's context); ``None``: nothing.
    """

    outputs: list[Output] = []
    size: int = 0
    open: bool = True
    carry: Callable[[], Headers] | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Outbox)

    def __hash__(self) -> int:
        return 0

    def add(self, output: Output) -> None:
        """One more.

        Raises:
            RuntimeError: the call has returned; nobody would write it.
            ValueError: the call has sent more than ``MAX_BYTES``.
        """
        if not self.open:
            raise RuntimeError("Context.send after the handler has returned: it would be lost")
        if self.carry is not None:
            output = with_headers(output, self.carry())
        self.size += output.size
        if self.size > MAX_BYTES:
            raise ValueError(f"Context.send: more than {MAX_BYTES >> 20} MiB for one ticket")
        self.outputs.append(output)


def with_headers(output: Output, further: Headers) -> Output:
    """The output with these headers, too; one that it has by that name already stays alone.

    >>> one = output(7, "sums", 3, None, [("traceparent", "mine")])
    >>> [name for name, _ in with_headers(one, (("traceparent", b"x"), ("baggage", b"y"))).headers]
    ['traceparent', 'baggage']
    """
    names = {name for name, _ in output.headers}
    new = tuple(header for header in further if header[0] not in names)
    return msgspec.structs.replace(output, headers=(*output.headers, *new))


def close(outbox: Outbox) -> None:
    """The call has returned, and may send no more."""
    outbox.open = False


def output(
    offset: int,
    topic: str,
    value: object,
    key: SendableText | None,
    headers: Iterable[tuple[str, SendableText | None]],
) -> Output:
    """What ``Context.send`` was given, checked and encoded: the handler is told of a mistake.

    Raises:
        TypeError: a key or header of a wrong type, or a value that JSON has nothing for.
        ValueError: no legal name of a topic, or text that UTF-8 has nothing for.

    >>> output(7, "sums", {"total": 3}, "customer-1", [("kind", b"sum")]).value
    b'{"total":3}'
    """
    if not isinstance(topic, str) or not _LEGAL_TOPIC.match(topic):
        raise ValueError(f"Context.send: {topic!r} can't be the name of a topic")
    return Output(
        offset,
        topic,
        raw(_SEND, "the key", key),
        encoded(_SEND, value),
        tuple((_name(name), raw(_SEND, f"header {name!r}", text)) for name, text in headers),
    )


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"Context.send: a header's name is a {type(name).__name__}, not str")
    name.encode()  # what has no UTF-8 must be the handler's failure, not the lane's
    return name
