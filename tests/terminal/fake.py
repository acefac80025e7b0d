"""Supervisors that tell whatever a test wants them to."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import msgspec

from ticketpool.core.status import ServiceStatus


class FakeSupervisor:
    """``/api/status`` on a port of this machine, as long as the block runs.

    Attributes:
        address: ``HOST:PORT``; the same after a new ``start``.
        status: told from now on; ``None``: it is still starting.
        ok: as its health.
        extra: fields of a later version.
        told: how often it was asked.
        make: makes the status from that, each time anew.
        code, body: told instead, when there is a body.
    """

    def __init__(self, status: ServiceStatus | None, *, ok: bool = True) -> None:
        self.status, self.ok = status, ok
        self.told = 0
        self.make: Callable[[int], ServiceStatus] | None = None
        self.extra: dict[str, object] = {}
        self.code, self.body = 200, b""
        self.address = "127.0.0.1:0"

    def start(self) -> None:
        """Listen (again)."""
        host, _, port = self.address.rpartition(":")
        self._server = ThreadingHTTPServer((host, int(port)), self._handler())
        self.address = f"{host}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self) -> None:
        """Refuse connections."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self) -> tuple[int, bytes]:
        """Code and body, as ``ticketpool.http`` would make them."""
        self.told += 1
        if self.make is not None:
            self.status = self.make(self.told)
        if self.body:
            return self.code, self.body
        if self.status is None:
            return 503, b'{"ok":false,"reason":"no status yet: the service is starting"}'
        told = {"ok": self.ok, "age_seconds": 0.25} | msgspec.structs.asdict(self.status)
        return 200, msgspec.json.encode(told | self.extra)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                code, body = fake.answer()
                self.send_response(code)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
