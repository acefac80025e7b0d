"""*Worker side.* One producer process: its share of the tickets, delivered and counted.

``python -m ticketpool.produce.worker``, started by ``ticketpool.ipc.child.Child``.
"""

import gc
import logging
import sys
from collections.abc import Iterator
from typing import TypeVar

from ticketpool.errors import TicketpoolError
from ticketpool.ipc.channel import Port
from ticketpool.ipc.inside import enter
from ticketpool.produce.frames import Failed, FromCoordinator, Hello, Line, Ready, Start
from ticketpool.produce.outlet import Outlet
from ticketpool.produce.relay import Relay
from ticketpool.produce.returns import ReturningOutlet
from ticketpool.produce.tally import WORDS
from ticketpool.produce.writer import Writer

T = TypeVar("T")

_CONNECTION_LINES = ("FAIL ", "ERROR ")  # librdkafka's facilities


class _PortHandler(logging.Handler):
    """Sends log lines to the coordinator, which alone writes to the terminal."""

    def __init__(self, port: Port[FromCoordinator]) -> None:
        super().__init__()
        self._port = port

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        # Told once for all processes, as an Outage.
        lost = message.startswith(_CONNECTION_LINES)
        level = logging.DEBUG if lost else record.levelno
        if level >= logging.getLogger().level:
            self._port.send(Line(level, record.name, message))


def _await(frames: Iterator[FromCoordinator], kind: type[T]) -> T:
    frame = next(frames, None)
    if not isinstance(frame, kind):
        raise SystemExit(1)  # the coordinator is gone
    return frame


def _serve(port: Port[FromCoordinator], cells: memoryview) -> None:
    frames = port.frames()
    hello = _await(frames, Hello)
    logging.basicConfig(handlers=[_PortHandler(port)], level=hello.config.log.level.upper())
    outlet = _outlet(hello, port, cells)
    of_input = hello.config.input is not None
    writer = None if of_input else Writer(hello, outlet, cells)
    outlet.warm_up()
    port.send(Ready())
    start = _await(frames, Start)
    gc.freeze()  # what lives until the end need not be looked at again
    if writer is None:
        Relay(outlet, cells).run(frames)
    else:
        writer.run(start.at_ns / 1e9)


def _outlet(hello: Hello, port: Port[FromCoordinator], cells: memoryview) -> Outlet:
    """The plain one, which is quicker, where nothing has to be given back."""
    config = hello.config
    kind = Outlet if config.input is None and config.failed is None else ReturningOutlet
    return kind(hello, port, cells)


def main() -> int:
    """The process's exit status: 0 once every ticket of the share is accounted for."""
    port, words = enter(FromCoordinator, WORDS)
    try:
        _serve(port, words.cells)
    except TicketpoolError as error:
        port.send(Failed(type(error).__name__, str(error)))
        return 1
    except (BrokenPipeError, ConnectionResetError):  # the coordinator is gone
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
