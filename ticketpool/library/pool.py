"""``ticketpool.Pool``: the consumer of ``ticketpool run`` for programs."""

import threading
from types import TracebackType
from typing import Self, Unpack

from ticketpool import log
from ticketpool.config import RunConfig
from ticketpool.core.status import ServiceStatus
from ticketpool.errors import ConfigError, TicketpoolError
from ticketpool.ipc.inside import is_child
from ticketpool.library.leaving import beside
from ticketpool.library.names import Handler, name_of
from ticketpool.library.options import PoolOptions, run_config
from ticketpool.library.service import Service
from ticketpool.supervisor import Summary, run
from ticketpool.supervisor.service import Supervisor

_JOINED = {"joining", "ready"}  # a start that fails goes from starting to draining
_GRACE_SECONDS = 15.0  # beyond the drain: for the last commit, and for the workers to end


class Pool:
    """A pool of workers for one handler.

    Either ``run()``, from a program's main: what the command does. Or ``start()`` and
    ``stop()``, or ``with``: the pool then lives in a process of its own beside the program,
    and ends in order with it, however that ends.

    Args:
        handler: ``"module:function"``, or what can be imported under such a name.
        options: see ``PoolOptions``.

    Raises:
        ConfigError: an option is unknown, or its value out of bounds.
        HandlerUnsupported: the handler can't be imported under a name.

    As a context manager: leaving it stops the pool, or raises why that had ended before.

    >>> from ticketpool.demo.handler import handle
    >>> from ticketpool.kafka.embedded import EmbeddedCluster
    >>> with EmbeddedCluster(["tickets"]) as kafka:
    ...     where = kafka.bootstrap
    ...     with Pool(handle, bootstrap_servers=where, topics=["tickets"], workers=1) as pool:
    ...         pool.status().workers[0].state
    'ready'
    """

    def __init__(self, handler: Handler, /, **options: Unpack[PoolOptions]) -> None:
        self._config: RunConfig = run_config(name_of(handler), options)
        self._service: Service | None = None
        self._supervisor: Supervisor | None = None

    # -- in this process ---------------------------------------------------------------

    def run(self) -> Summary:
        """Serve until SIGTERM or SIGINT (drain), or until caught up; main thread only.

        Sets up logging to standard error for the whole process, as the command does.

        Raises:
            TicketpoolError: any of ``ticketpool.errors``, as the command ends by.
        """
        self._check_idle("run")
        if threading.current_thread() is not threading.main_thread():
            raise ConfigError("Pool.run() handles signals: call it on the main thread, or start()")
        log.setup(self._config.log)
        outcomes: list[Summary] = []
        run(self._config, outcomes.append, self._observe)
        return outcomes[-1]

    def _observe(self, supervisor: Supervisor, _: object) -> None:
        self._supervisor = supervisor

    # -- beside this process -----------------------------------------------------------

    def start(self) -> None:
        """Start it; returns once the workers have loaded the handler and the group is being
        joined. Partitions may take a while to come: ``status().ready``.

        Raises:
            TicketpoolError: it can't start: the settings, the handler or the broker.
        """
        self._check_idle("start")
        service = self._service = Service(self._config)
        try:
            while service.status().state not in _JOINED and service.running:
                service.pause()
            service.status()  # raises why it has ended
        except BaseException:
            service.kill()
            raise

    def stop(self, timeout: float | None = None) -> Summary:
        """Drain, commit, leave the group, end; the outcome. May be called again.

        Args:
            timeout: seconds until the process is killed; ``None``: some more than
                ``drain_timeout``, within which it ends by itself.

        Raises:
            TicketpoolError: why it has ended before, or what it could not finish.
        """
        default = self._config.drain_seconds + _GRACE_SECONDS
        return self._started().stop(default if timeout is None else timeout)

    def join(self, timeout: float | None = None) -> Summary:
        """Wait until it ends by itself: by ``until_caught_up`` or an error.

        Raises:
            TicketpoolError: why it has ended.
            TimeoutError: it has not ended, in so many seconds.
        """
        return self._started().outcome(timeout)

    def status(self) -> ServiceStatus:
        """A snapshot, half a second old at most; the last one after the end.

        Raises:
            TicketpoolError: it has ended by this error, or has not been started.
        """
        supervisor = self._supervisor
        if supervisor is None:
            return self._started().status()
        if supervisor.status is None:
            raise TicketpoolError("the pool has only just been started")
        return supervisor.status

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with beside(error, lambda found: f"the pool ended by {type(found).__name__}: {found}"):
            self.stop()

    def _started(self) -> Service:
        if self._service is None:
            raise TicketpoolError("the pool has not been started")
        return self._service

    def _check_idle(self, what: str) -> None:
        if is_child():
            raise ConfigError(
                f"Pool.{what}() runs while a worker imports the handler's module; put it under "
                "if __name__ == '__main__':"
            )
        if self._service is not None and self._service.running:
            raise TicketpoolError(f"the pool runs already (process {self._service.pid})")
