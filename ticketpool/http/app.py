"""What each address answers, from one snapshot of the service.

*Supervisor side.* Coroutines that never wait: they run on the server's one thread,
so a thousand requests cannot take more of the interpreter than one thread's share.
"""

from collections.abc import Callable

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from ticketpool.core.status import ServiceStatus
from ticketpool.http import page

# The page needs nothing but its own style: whatever a name smuggles in stays inert.
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def make_app(
    status: Callable[[], ServiceStatus | None],
    metrics: Callable[[str], tuple[bytes, str]],
    *,
    stale_seconds: float,
    clock: Callable[[], float],
) -> Starlette:
    """The ASGI application; arguments as for ``HttpServer``. GET and HEAD only."""
    answers = _Answers(status, metrics, stale_seconds, clock)
    routes = {
        "/": answers.page,
        "/metrics": answers.metrics,
        "/healthz": answers.healthz,
        "/readyz": answers.readyz,
        "/api/status": answers.status,
    }
    app = Starlette(routes=[Route(path, answer) for path, answer in routes.items()])
    app.router.redirect_slashes = False  # a redirect would repeat the client's Host header
    return app


def unhealthy(status: ServiceStatus | None, now: float, stale_seconds: float) -> str | None:
    """Why the process makes no progress, or ``None`` if it does."""
    if status is None:
        return "no status yet: the service is starting"
    age = now - status.made_at
    if age > stale_seconds:
        return f"the supervisor's loop has been stuck for {age:.1f} s (bound: {stale_seconds:g} s)"
    return "; ".join(status.problems) or None


def unready(status: ServiceStatus | None) -> str | None:
    """Why the service is not ready, or ``None`` if it is."""
    if status is None:
        return "no status yet: the service is starting"
    return None if status.ready else f"state: {status.state}"


class _Answers:
    def __init__(
        self,
        status: Callable[[], ServiceStatus | None],
        metrics: Callable[[str], tuple[bytes, str]],
        stale_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._status, self._metrics = status, metrics
        self._stale_seconds, self._clock = stale_seconds, clock

    async def page(self, _: Request) -> Response:
        status = self._status()
        body = page.render(status, self._unhealthy(status))
        return HTMLResponse(body, headers={"content-security-policy": _PAGE_POLICY})

    async def metrics(self, request: Request) -> Response:
        body, kind = self._metrics(request.headers.get("accept", ""))
        return Response(body, headers={"content-type": kind, "vary": "accept"})

    async def healthz(self, _: Request) -> Response:
        return _verdict(self._unhealthy(self._status()))

    async def readyz(self, _: Request) -> Response:
        return _verdict(unready(self._status()))

    async def status(self, _: Request) -> Response:
        """The snapshot's fields, with ``ok`` (as ``/healthz``) and ``age_seconds``."""
        status = self._status()
        reason = self._unhealthy(status)
        if status is None:
            return _verdict(reason)
        age = max(0.0, self._clock() - status.made_at)
        told = {"ok": reason is None, "age_seconds": age}
        return _json(told | msgspec.structs.asdict(status))

    def _unhealthy(self, status: ServiceStatus | None) -> str | None:
        return unhealthy(status, self._clock(), self._stale_seconds)


def _verdict(reason: str | None) -> Response:
    if reason is None:
        return _json({"ok": True})
    return _json({"ok": False, "reason": reason}, 503)


def _json(value: object, code: int = 200) -> Response:
    return Response(msgspec.json.encode(value), code, media_type="application/json")
