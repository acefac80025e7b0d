"""``python -m ticketpool.worker.main``: the worker process."""

import gc
import io
import os
import sys
import threading
import time
from collections.abc import Iterator

from ticketpool import log, trace
from ticketpool.config import LogConfig
from ticketpool.errors import HandlerError
from ticketpool.ipc.channel import Port
from ticketpool.ipc.frames import (
    Close,
    End,
    Failed,
    FromSupervisor,
    Hello,
    Look,
    Louder,
    Open,
    Records,
    Seen,
)
from ticketpool.ipc.inside import enter
from ticketpool.worker.handlers import Handlers
from ticketpool.worker.lane import Lane, described
from ticketpool.worker.opener import Opener
from ticketpool.worker.stacks import stacks
from ticketpool.worker.words import COUNT, LIFE, LIFE_SECONDS


def main() -> None:
    """Load the handler, say so, then serve lanes until the supervisor is gone."""
    port, words = enter(FromSupervisor, COUNT)
    show_life = threading.Thread(target=_show_life, args=(words.cells,), name="life", daemon=True)
    show_life.start()
    frames: Iterator[FromSupervisor] = port.frames()
    hello = next(frames, None)
    if not isinstance(hello, Hello):
        sys.exit(1)  # the supervisor went away before its first word
    config = LogConfig(format=hello.log_format, level=hello.log_level)
    log.setup(config, worker=hello.slot, pid=os.getpid())
    trace.open_worker(hello.trace_log, hello.group, hello.slot)
    _print_by_line()
    handlers = _load(hello, port)
    port.send(handlers.ready())
    gc.freeze()  # what start-up made lives as long as we do; don't traverse it again
    seconds = _serve(frames, handlers, hello, port, words.cells)
    if seconds is not None:
        handlers.close(seconds)
    log.flush()
    # The supervisor is gone, or lets us go. Nothing that runs here may go on: its
    # records are another process's now.
    os._exit(0)


def _show_life(cells: memoryview) -> None:
    """Sign of life each second: what is stopped, or stuck as a whole, gives none."""
    while True:
        cells[LIFE] = time.monotonic_ns()
        time.sleep(LIFE_SECONDS)


def _print_by_line() -> None:
    """What a handler prints leaves with each line: a process that is killed flushes nothing."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)


def _load(hello: Hello, port: Port[FromSupervisor]) -> Handlers:
    """Also opened. Ends the process, in words, when it can't be."""
    try:
        handlers = Handlers(hello)
        handlers.open()
    except HandlerError as error:
        _, message = described(error)
        port.send(Failed(type(error).__name__, message))
        sys.stdout.flush()
        os._exit(error.exit_code)  # whatever threads its module or its ``open`` have begun
    return handlers


def _serve(
    frames: Iterator[FromSupervisor],
    handlers: Handlers,
    hello: Hello,
    port: Port[FromSupervisor],
    cells: memoryview,
) -> float | None:
    """Until the supervisor is gone, or lets us go.

    Returns:
        Seconds that the handler may take to close; ``None`` when lanes are still at work: the
        records are another process's, and what the handler uses can't be taken from it.
    """
    opener = Opener(handlers, hello, port, cells)
    lanes: dict[int, Lane] = {}
    for frame in frames:
        match frame:
            case Records():
                lanes[frame.lane].put(frame)
            case Open():
                lanes[frame.lane] = opener.open(frame)
            case End():
                return frame.seconds
            case Close():
                if lane := lanes.pop(frame.lane, None):  # a revocation may close it once more
                    lane.close(frame.until)
            case Look():
                port.send(Seen(frame.ticket, stacks(handlers.loop.running)))
            case Louder():
                log.set_level(frame.level)
            case Hello():
                raise AssertionError("a second hello")
    return None if lanes else End().seconds


if __name__ == "__main__":
    main()
