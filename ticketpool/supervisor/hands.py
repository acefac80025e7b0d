"""What people ask for while the service runs: done between two steps of the loop, and noted."""

import contextlib
from collections import deque
from collections.abc import Iterator
from queue import SimpleQueue

import msgspec

from ticketpool import log
from ticketpool.config import RunConfig
from ticketpool.control.requests import Answer, Drain, LogLevel, Trace, Who
from ticketpool.control.server import Call, Server
from ticketpool.errors import ConfigError, ControlError, TicketpoolError
from ticketpool.supervisor.commands import Commands, Job

_SAFE = (Who, Trace, LogLevel, Drain)  # also in the midst of a rebalance or a drain

_log = log.get("ticketpool.supervisor")


class Hands:
    """*Supervisor side.* Takes requests from the control socket, has them carried out and
    answers them. Who asked for what, and what came of it, is logged.

    Attributes:
        calls: what has been asked and not taken yet; any thread may add to it.
    """

    def __init__(self, config: RunConfig, commands: Commands) -> None:
        self._config = config
        self.calls: SimpleQueue[Call] = SimpleQueue()
        self._commands = commands
        self._server: Server | None = None
        self._jobs: deque[tuple[Call, Job]] = deque()

    @contextlib.contextmanager
    def reachable(self) -> Iterator[None]:
        """Listen as long as this lasts, and tell those who wait for the end how it ended.

        Raises:
            ConfigError: nothing can be bound where ``--control`` says.
        """
        self._server = self._listen()
        outcome = Answer(["drained: what was finished is committed, the group left; exit code 0"])
        try:
            yield
        except TicketpoolError as error:
            code = error.exit_code
            outcome = Answer([f"ended with exit code {code}: {error}"], code)
            raise
        except BaseException as error:
            outcome = Answer([f"ended by {type(error).__name__}: {error}"], 1)
            raise
        finally:
            self._finish(outcome)

    def _listen(self) -> Server | None:
        where = self._config.control
        try:
            server = None if where is None else Server(where, self._config.group, self.calls)
        except ConfigError as error:
            if where != "auto":
                raise
            _log.warning("no control socket", error=str(error), setting="--control")
            return None
        if server is not None:
            _log.debug("control socket", path=str(server.path))
        return server

    def _finish(self, outcome: Answer) -> None:
        undone = Answer([f"not done, the supervisor has ended: {outcome.lines[0]}"], 1)
        self._take()
        for call, _ in self._jobs:
            self._answer(call, outcome if isinstance(call.request, Drain) else undone)
        if self._server is not None:
            self._server.close()

    def tend(self) -> None:
        """Take what was asked, and go on with what is under way. Never blocks."""
        self._take()
        self._step(safe_only=False)
        self._commands.tend()

    def glance(self) -> None:
        """The same for what changes nothing: partitions may be half given up just now."""
        self._take()
        self._step(safe_only=True)

    def _take(self) -> None:
        while not self.calls.empty():
            call = self.calls.get()
            if not isinstance(call.request, Who):
                _log.info("command", **_told(call))
            self._jobs.append((call, self._commands.job_of(call.request, call.caller)))

    def _step(self, *, safe_only: bool) -> None:
        for _ in range(len(self._jobs)):
            call, job = self._jobs.popleft()
            if safe_only and not isinstance(call.request, _SAFE):
                self._jobs.append((call, job))
            elif (answer := _next(job)) is not None:
                self._answer(call, answer)
            else:
                self._jobs.append((call, job))

    def _answer(self, call: Call, answer: Answer) -> None:
        if not isinstance(call.request, Who):
            outcome = answer.lines[0] if answer.lines else ""
            tell = _log.info if answer.exit_code == 0 else _log.warning
            tell("command answered", **_told(call), outcome=outcome, exit_code=answer.exit_code)
        call.answer(answer)


def _next(job: Job) -> Answer | None:
    """One step; the answer, once it has come to that. Whatever is asked ends no service."""
    try:
        next(job)
    except StopIteration as end:
        answer: Answer = end.value
        return answer
    except ControlError as error:
        return Answer([str(error)], error.exit_code)
    except Exception as error:
        _log.exception("command failed")
        return Answer([f"not done: {type(error).__name__}: {error}; a fault of ticketpool's own, "
                       "and its log has the traceback"], 1)  # fmt: skip
    return None


def _told(call: Call) -> dict[str, object]:
    """Who asked for what."""
    asked = msgspec.to_builtins(call.request)
    given = {k: v for k, v in asked.items() if v not in (None, []) and v is not False}
    return {**given, "by_pid": call.caller.pid, "by_uid": call.caller.uid}
