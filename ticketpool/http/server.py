"""A small web server in a thread of its own, which no client can hold up.

*Supervisor side.* All answers are made on one thread from one immutable snapshot,
without a lock that the supervisor's loop could wait for.
"""

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import cast

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from ticketpool.config.address import parse
from ticketpool.config.shown import Setting
from ticketpool.core.status import ServiceStatus
from ticketpool.errors import ConfigError
from ticketpool.http.app import make_app
from ticketpool.http.feed import MORE_TIME
from ticketpool.http.guard import OwnHostOnly, is_loopback
from ticketpool.http.letters import LetterDesk, ReadLetters
from ticketpool.log import get

log = get(__name__)

_MAX_CONNECTIONS = 64  # bounds memory and descriptors, which the workers' pipes need too
_BUSY_CONNECTIONS = 32  # from here on the answer is 503
_STOP_SECONDS = 3.0
_FOR_MAIN_THREAD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
_HEADERS = [("cache-control", "no-store"), ("x-content-type-options", "nosniff")]


class Connection(H11Protocol):
    """One client, with a deadline: so long for each request and its answer, then it is cut.

    uvicorn alone lets a client that sends half a request, or does not read its
    answer, stay for good: its keep-alive timeout stops at the first byte.
    """

    request_seconds = 10.0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if len(self.connections) >= _MAX_CONNECTIONS:
            cast(asyncio.Transport, transport).abort()
        super().connection_made(cast(asyncio.Transport, transport))
        self.app = _with_more_time(self.app, self._restart_deadline)
        self._restart_deadline()

    def on_response_complete(self) -> None:
        self._restart_deadline()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._deadline is not None:
            self._deadline.cancel()

    def _restart_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        # abort and not close: close waits for a client that does not read.
        self._deadline = self.loop.call_later(self.request_seconds, self.transport.abort)


def _with_more_time(app: ASGIApp, more_time: Callable[[], None]) -> ASGIApp:
    """Lets an answer that never ends ask for more time, as long as it is read."""

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        scope[MORE_TIME] = more_time
        await app(scope, receive, send)

    return served


class _Server(uvicorn.Server):
    """Cuts its clients when it stops: a whole answer is out already, or nobody reads it."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._cut()
        await super().shutdown(sockets)
        self._cut()  # who was being accepted meanwhile
        await asyncio.sleep(0)  # an aborted transport closes its socket on the loop's next turn

    def _cut(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


class HttpServer:
    """Serves ``/``, ``/metrics``, ``/healthz``, ``/readyz`` and ``/api/…``.

    On a loopback address, requests that name another host are refused (``guard``).

    Args:
        address: ``HOST:PORT`` or ``[IPV6]:PORT``, as ``--http`` takes it; port 0 picks one.
        status: gives the newest snapshot, or ``None`` before the first; called on the
            server's thread.
        metrics: from an Accept header to (body, content type); ``Metrics.render``.
        settings: what ``/api/config`` tells.
        letters, letter_topics: reads dead letters of these topics, for ``/api/letters``; called
            on a thread of its own, one call at a time.
        payloads: letters' keys, values and headers are shown beyond loopback, too.
        stale_seconds: ``/healthz`` fails when the newest snapshot is older.
        clock: the clock that stamps ``ServiceStatus.made_at``, in seconds.
    """

    def __init__(
        self,
        address: str,
        status: Callable[[], ServiceStatus | None],
        metrics: Callable[[str], tuple[bytes, str]],
        *,
        settings: Sequence[Setting] = (),
        letters: ReadLetters | None = None,
        letter_topics: tuple[str, ...] = (),
        payloads: bool = False,
        stale_seconds: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = address
        self._desk = LetterDesk(letters, letter_topics, payloads=payloads)
        self._app: ASGIApp = make_app(
            status, metrics, settings, self._desk, stale_seconds=stale_seconds, clock=clock
        )
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.port = 0

    def start(self) -> None:
        """Listen, and answer from now on; does not wait for the thread.

        Raises:
            ConfigError: the address is malformed, unknown, not ours or in use.
        """
        listener = bind(self._address)
        self.port = listener.getsockname()[1]
        if is_loopback(listener.getsockname()[0]):
            self._desk.payloads = True
            self._app = OwnHostOnly(self._app, parse(self._address)[0])
        self._server = _Server(self._config())
        self._thread = threading.Thread(
            target=self._serve, args=(self._server, listener), name="ticketpool-http", daemon=True
        )
        self._thread.start()
        log.info("http listening", address=self._address, port=self.port)

    def stop(self) -> None:
        """Stop listening and cut all clients, in about 0.2 s; may be called again."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join(timeout=_STOP_SECONDS)
        self._desk.close()
        self._server = self._thread = None

    def _config(self) -> uvicorn.Config:
        return uvicorn.Config(
            self._app,
            http=Connection,
            ws="none",
            loop="asyncio",
            lifespan="off",
            interface="asgi3",
            log_config=None,  # the log is ours
            log_level="error",  # a port scanner must not fill it
            access_log=False,
            server_header=False,
            proxy_headers=False,
            headers=_HEADERS,
            limit_concurrency=_BUSY_CONNECTIONS,
            backlog=_MAX_CONNECTIONS,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=1,
        )

    @staticmethod
    def _serve(server: uvicorn.Server, listener: socket.socket) -> None:
        # A signal that landed on this thread would not interrupt the main thread's wait.
        signal.pthread_sigmask(signal.SIG_BLOCK, _FOR_MAIN_THREAD)
        try:
            server.run(sockets=[listener])
        except Exception:
            log.exception("http stopped")
        finally:
            listener.close()


def bind(address: str) -> socket.socket:
    """A listening socket at the first address that the host's name has and that works.

    Raises:
        ConfigError: malformed, unknown, not ours or in use.
    """
    host, port = parse(address)
    problem: OSError | UnicodeError | None = None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:  # UnicodeError: a label too long for IDNA
        found, problem = [], error
    for family, _, _, _, target in found:
        try:
            return _listen(family, target)
        except OSError as error:
            problem = error
    reason = getattr(problem, "strerror", None) or problem
    hint = "choose another one, or --http off"
    raise ConfigError(f"--http {address}: cannot listen there: {reason}; {hint}")


def _listen(family: int, target: object) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        # A restarted service must not wait for its predecessor's TIME_WAIT (socket(7)).
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(target)  # type: ignore[arg-type]  # as getaddrinfo made it
        listener.listen(_MAX_CONNECTIONS)
    except OSError:
        listener.close()
        raise
    return listener
