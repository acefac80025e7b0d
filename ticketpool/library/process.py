"""``python -m ticketpool.library.process``: the process of an embedded pool.

Its main thread is the supervisor; a second thread does what the program asks.
It is not killed with the thread that started it, as workers are: it stops in
order once the program has ended, and commits what is finished.
"""

import os
import select
import sys
import threading
import time
from collections.abc import Iterator

from ticketpool import log
from ticketpool.core.status import ServiceStatus
from ticketpool.errors import TicketpoolError
from ticketpool.ipc.channel import Port
from ticketpool.ipc.inside import enter
from ticketpool.library.frames import Ask, Begin, Ended, FromProgram, Status, Stop
from ticketpool.supervisor import Summary, run
from ticketpool.supervisor.service import Supervisor
from ticketpool.supervisor.signals import StopSignals

_FIRST_SECONDS = 0.01

_log = log.get("ticketpool.library")


class Host:
    """*Supervisor side.* The program that embeds us, beside the supervisor's thread."""

    def __init__(self, port: Port[FromProgram], frames: Iterator[FromProgram]) -> None:
        self._port = port
        self._frames = frames
        self.summary: Summary | None = None

    def keep(self, summary: Summary) -> None:
        """The outcome."""
        self.summary = summary

    def serve(self, supervisor: Supervisor, signals: StopSignals) -> None:
        """Begin to do what the program asks."""
        threading.Thread(target=self._answer, args=(supervisor, signals), daemon=True).start()
        threading.Thread(target=_await_end, args=(os.getppid(), signals), daemon=True).start()

    def _answer(self, supervisor: Supervisor, signals: StopSignals) -> None:
        for frame in self._frames:
            match frame:
                case Ask():
                    self._tell(Status(_status_of(supervisor)))
                case Stop():
                    signals.ask("stop()")
                case Begin():
                    raise AssertionError("a second beginning")
        _program_ended(signals)

    def ended(self, error: BaseException | None) -> None:
        """The last word."""
        kind = None if error is None else type(error).__name__
        self._tell(Ended(self.summary, kind, "" if error is None else str(error)))

    def _tell(self, frame: Status | Ended) -> None:
        try:
            self._port.send(frame)
        except OSError:  # the program is gone, and so is the one who asked
            return


def _status_of(supervisor: Supervisor) -> ServiceStatus:
    """The newest snapshot; the first one comes within moments of the start."""
    while (status := supervisor.status) is None:
        time.sleep(_FIRST_SECONDS)
    return status


def _await_end(program: int, signals: StopSignals) -> None:
    """The pipe does not tell when a fork of the program holds it open."""
    try:
        pidfd = os.pidfd_open(program)
    except OSError:
        return  # gone already: the pipe tells
    poller = select.poll()
    poller.register(pidfd, select.POLLIN)
    poller.poll()
    _program_ended(signals)


def _program_ended(signals: StopSignals) -> None:
    """Once: a second word would cut the drain short."""
    if not signals.stop:
        signals.ask("the program has ended")


def main() -> int:
    """The process's exit status; what the program needs to know it is told in a frame."""
    port, _ = enter(FromProgram, 1, tied=False)
    frames: Iterator[FromProgram] = port.frames()
    begin = next(frames, None)
    if not isinstance(begin, Begin):
        return 1  # the program went away before its first word
    log.setup(begin.config.log)
    host = Host(port, frames)
    try:
        run(begin.config, host.keep, host.serve)
    except TicketpoolError as error:
        _log.error("stopped by an error", error=f"{type(error).__name__}: {error}")
        host.ended(error)
        return error.exit_code
    except BaseException as error:
        host.ended(error)
        raise
    host.ended(None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
