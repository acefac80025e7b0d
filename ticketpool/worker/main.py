"""``python -m ticketpool.worker.main``: the worker process."""

import gc
import io
import os
import sys
import threading
import time
from collections.abc import Iterator

from ticketpool import log, trace
from ticketpool.config import LogConfig, OnFailure
from ticketpool.core.policy import Backoff
from ticketpool.errors import HandlerError
from ticketpool.ipc.channel import Port
from ticketpool.ipc.frames import Close, End, Failed, FromSupervisor, Hello, Open, Ready, Records
from ticketpool.ipc.inside import enter
from ticketpool.worker.handler import Handler
from ticketpool.worker.lane import Lane, Rules, described
from ticketpool.worker.loading import load
from ticketpool.worker.outputs import LaneOutputs
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
    log.setup(LogConfig(format=hello.log_format, level=hello.log_level))
    trace.open_worker(hello.trace_log, hello.group, hello.slot)
    _print_by_line()
    handler = _load(hello.handler, port)
    port.send(Ready(handler.wants_record))
    gc.freeze()  # what start-up made lives as long as we do; don't traverse it again
    _serve(frames, handler, hello, port, words.cells)
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


def _load(name: str, port: Port[FromSupervisor]) -> Handler:
    try:
        return load(name)
    except HandlerError as error:
        _, message = described(error)
        port.send(Failed(type(error).__name__, message))
        sys.exit(error.exit_code)


def _serve(
    frames: Iterator[FromSupervisor],
    handler: Handler,
    hello: Hello,
    port: Port[FromSupervisor],
    cells: memoryview,
) -> None:
    rules = Rules(
        hello.retries,
        Backoff(hello.backoff_seconds, hello.backoff_max_seconds),
        hello.on_failure == OnFailure.STOP,
        hello.silence_seconds,
    )
    lanes: dict[int, Lane] = {}
    for frame in frames:
        match frame:
            case Records():
                lanes[frame.lane].put(frame)
            case Open():
                outputs = LaneOutputs(cells, frame.index)
                call = handler.call_for(frame.topic, frame.partition, hello.slot, outputs.collect)
                call = trace.traced(call, frame.lane, frame.topic, frame.partition)
                lanes[frame.lane] = Lane(frame, call, rules, port, cells, outputs)
            case End():
                return
            case Close():
                if lane := lanes.pop(frame.lane, None):  # a revocation may close it once more
                    lane.close()
            case Hello():
                raise AssertionError("a second hello")


if __name__ == "__main__":
    main()
