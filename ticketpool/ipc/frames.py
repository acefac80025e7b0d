"""What crosses a pipe: tagged msgspec Structs as msgpack behind a 4-byte length.

Columns instead of rows, and only the columns that the handler needs: a frame
carries hundreds of records of one lane. No pickle, nothing executable; an
unknown tag or a wrong type is a ``FrameError`` and ends that worker.
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from ticketpool.core.outputs import Output
from ticketpool.core.parking import Waiting
from ticketpool.errors import FrameError

T = TypeVar("T")

HEADER = struct.Struct("<I")
MAX_FRAME = 64 << 20
"""Bytes that a worker may send in one frame. A longer one can only be corruption: acks with
their outputs and texts of errors stop at far less. What the supervisor sends is as long as
Kafka's records with their keys and headers are, and no worker has reason to doubt it."""

NO_LIMIT = 2**32 - 1  # as long as the head of a frame can say


class _Frame(msgspec.Struct, frozen=True, gc=False, array_like=True):
    pass


class Hello(_Frame, tag="hello", frozen=True):
    """Supervisor to worker, first: who you are and what to load. No Kafka secrets.

    ``silence_seconds``: begin no record when the supervisor's heartbeat is older.
    ``by_topic``: topic, handler and codec, for all topics; empty when ``handler`` and ``codec``
    serve every topic. ``middleware``: by name, the outermost first.
    ``batch_size``, ``batch_seconds``: of a batch handler's calls, at most.
    ``max_parked_keys``: of one lane; 0: no key is ever parked.
    """

    slot: int
    handler: str
    retries: int
    backoff_seconds: float
    backoff_max_seconds: float
    on_failure: str
    log_format: str
    log_level: str
    silence_seconds: float
    group: str = ""
    trace_log: str | None = None  # the supervisor's; ours goes beside it
    codec: str = "json"
    by_topic: list[tuple[str, str, str]] = []
    middleware: list[str] = []
    batch_size: int = 100
    batch_seconds: float = 1.0
    traces: str = "off"  # or where OpenTelemetry's spans go: otlp, console
    max_parked_keys: int = 0


class Open(_Frame, tag="open", frozen=True):
    """Supervisor to worker: a lane begins. ``index`` is its place in the shared words;
    ``parked``: the keys that are, with ``--park-keys``."""

    lane: int
    topic: str
    partition: int
    index: int
    parked: list[Waiting] = []


class Records(_Frame, tag="records", frozen=True):
    """Supervisor to worker: consecutive records of one lane, as columns of equal length.

    ``sparse`` are their offsets, empty when these rise one by one from ``first``, as they
    nearly always do. ``keys``, ``headers`` and ``timestamps`` (milliseconds) are empty
    when the handler asked for the value alone. ``attempts``: calls that were made with
    the first record before, by this or an earlier process. ``no_more``: nothing follows
    before something of these is finished, so a batch must not wait for company. ``parked``:
    the keys that are, where the lane does not know; nothing of it is in flight then.
    """

    lane: int
    first: int
    sparse: list[int]
    values: list[bytes | None]
    keys: list[bytes | None]
    headers: list[tuple[tuple[str, bytes | None], ...]]
    timestamps: list[int]
    attempts: int
    no_more: bool = False
    parked: list[Waiting] | None = None

    @property
    def offsets(self) -> Sequence[int]:
        """The offset of each record."""
        return self.sparse or range(self.first, self.first + len(self.values))

    def offset(self, i: int) -> int:
        """That of the i-th record."""
        return self.sparse[i] if self.sparse else self.first + i


class Close(_Frame, tag="close", frozen=True):
    """Supervisor to worker: finish the record at hand, acknowledge, drop the rest.

    ``until``: monotonic seconds at which what still runs is killed, ``None``: never. Shortly
    before, a handler that awaits is cancelled.
    """

    lane: int
    until: float | None = None


class End(_Frame, tag="end", frozen=True):
    """Supervisor to worker: all your lanes are closed; close your handler and go.

    ``seconds``: that it may take.
    """

    seconds: float = 5.0


class Look(_Frame, tag="look", frozen=True):
    """Supervisor to worker: say what your threads and tasks are doing, in a ``Seen``."""

    ticket: int


class Louder(_Frame, tag="louder", frozen=True):
    """Supervisor to worker: log from this level on."""

    level: str


class Ready(_Frame, tag="ready", frozen=True):
    """Worker to supervisor: the handlers are loaded and open. ``wants_record``: send all columns,
    or, where it is false, those of lanes of ``whole_topics``. ``closes``: one has something to
    close at the end."""

    wants_record: bool
    whole_topics: list[str] = []
    closes: bool = False


class Failed(_Frame, tag="failed", frozen=True):
    """Worker to supervisor: the handler cannot be used; the process ends."""

    error: str
    message: str


class Dead(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A record that failed for good. ``error`` is the class's name, ``rejected``: by ``Reject``."""

    offset: int
    attempts: int
    error: str
    message: str
    rejected: bool


class Ack(_Frame, tag="ack", frozen=True):
    """Worker to supervisor: all through ``through`` is finished.

    Attributes:
        lane: the lane's number; a stale one is simply not found.
        through: last finished offset.
        retried: calls beyond the first, since the last ack.
        dead: the records among them that failed for good, in order.
        buckets: durations of decoding and handler (retries included), as pairs
            of (bucket of ``ticketpool.core.latency``, count).
        busy_ns: their sum, in nanoseconds.
        sent: what the handler has sent with them, in order; ``through`` covers their records.
        passed: the records among them that others of their (parked) key have waited for.
    """

    lane: int
    through: int
    retried: int
    dead: list[Dead]
    buckets: list[tuple[int, int]]
    busy_ns: int
    sent: list[Output] = []
    passed: list[int] = []


class Retrying(_Frame, tag="retrying", frozen=True):
    """Worker to supervisor: a call failed and will be made again after ``delay_seconds``."""

    lane: int
    offset: int
    attempt: int
    delay_seconds: float
    error: str
    message: str


class Closed(_Frame, tag="closed", frozen=True):
    """Worker to supervisor: the lane has ended; its last ack came before this.

    ``cut_off``: the record at hand was cancelled for the deadline, and is not finished.
    """

    lane: int
    cut_off: bool = False


class Stack(msgspec.Struct, frozen=True, array_like=True):
    """What a thread or a task is doing: lines of text, the innermost call last.

    ``name``: of a lane's, that of its partition; ``kind``: thread or task.
    """

    name: str
    kind: str
    lines: list[str]


class Seen(_Frame, tag="seen", frozen=True):
    """Worker to supervisor: the answer to a ``Look``."""

    ticket: int
    stacks: list[Stack]


FromSupervisor = Hello | Open | Records | Close | End | Look | Louder
FromWorker = Ready | Failed | Ack | Retrying | Closed | Seen

_encoder = msgspec.msgpack.Encoder()


def encode(frame: msgspec.Struct) -> bytes:
    """One frame as bytes, length first."""
    return b"".join(parts(frame))


def parts(frame: msgspec.Struct) -> tuple[bytes, bytes]:
    """Its length and its body, for a writer that takes several buffers: a body may be large."""
    body = _encoder.encode(frame)
    return HEADER.pack(len(body)), body


class Parser(Generic[T]):
    """*Both sides.* Bytes in any split in, whole frames out.

    ``types`` is the union that the other side may send, ``limit`` the bytes of its longest frame.
    """

    def __init__(self, types: Any, limit: int = MAX_FRAME) -> None:
        self._limit = limit
        self._decode: Callable[[bytes | memoryview], T] = msgspec.msgpack.Decoder(types).decode
        self._rest = bytearray()
        self._done = 0  # bytes of it that have been yielded

    def feed(self, data: bytes) -> Iterator[T]:
        """Yield each frame that is complete with ``data``, once: one that was yielded does
        not come again, also when the caller's loop ended with it.

        Raises:
            FrameError: a length beyond the limit, or a body that is no
                frame of ``types``. The parser is of no use afterwards.
        """
        self._drop_done()
        rest = self._rest
        rest += data
        size = len(rest)
        while size - (start := self._done) >= HEADER.size:
            (length,) = HEADER.unpack_from(rest, start)
            if length > self._limit:
                raise FrameError(f"a frame of {length} bytes; the limit is {self._limit}")
            end = start + HEADER.size + length
            if end > size:
                break
            self._done = end
            yield self._decoded(start + HEADER.size, end)
        self._drop_done()

    def _drop_done(self) -> None:
        del self._rest[: self._done]
        self._done = 0

    def _decoded(self, start: int, end: int) -> T:
        # Decoded in place; what the frame keeps of it (bytes, str) are copies.
        with memoryview(self._rest) as rest, rest[start:end] as body:
            try:
                return self._decode(body)
            except Exception as error:  # msgspec raises UnicodeDecodeError, RecursionError too
                raise FrameError(f"not a frame: {type(error).__name__}: {error}") from None
