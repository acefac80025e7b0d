"""What each address answers, from one snapshot of the service.

*Supervisor side.* Coroutines that never wait: they run on the server's one thread,
so a thousand requests cannot take more of the interpreter than one thread's share.
"""

from collections.abc import Awaitable, Callable, Sequence

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ticketpool.config.shown import Setting
from ticketpool.core.status import ServiceStatus
from ticketpool.http.feed import Feed, Stream
from ticketpool.http.letters import LetterDesk
from ticketpool.http.page import Page


def make_app(
    status: Callable[[], ServiceStatus | None],
    metrics: Callable[[str], tuple[bytes, str]],
    settings: Sequence[Setting],
    desk: LetterDesk,
    *,
    stale_seconds: float,
    clock: Callable[[], float],
) -> Starlette:
    """The ASGI application; arguments as for ``HttpServer``. GET and HEAD only."""
    answers = _Answers(status, metrics, stale_seconds, clock)
    page = Page(status, answers.unhealthy)
    routes = {
        "/": page.answer,
        "/static/{name}": page.asset,
        "/api/stream": Stream(Feed(status, answers.unhealthy, clock)).answer,
        "/api/letters": desk.answer,
        "/api/config": _constant([msgspec.structs.asdict(one) for one in settings]),
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

    async def metrics(self, request: Request) -> Response:
        body, kind = self._metrics(request.headers.get("accept", ""))
        return Response(body, headers={"content-type": kind, "vary": "accept"})

    async def healthz(self, _: Request) -> Response:
        return _verdict(self.unhealthy(self._status()))

    async def readyz(self, _: Request) -> Response:
        return _verdict(unready(self._status()))

    async def status(self, _: Request) -> Response:
        """The snapshot's fields, with ``ok`` (as ``/healthz``) and ``age_seconds``."""
        status = self._status()
        reason = self.unhealthy(status)
        if status is None:
            return _verdict(reason)
        age = max(0.0, self._clock() - status.made_at)
        told = {"ok": reason is None, "age_seconds": age}
        return _json(told | msgspec.structs.asdict(status))

    def unhealthy(self, status: ServiceStatus | None) -> str | None:
        return unhealthy(status, self._clock(), self._stale_seconds)


def _constant(value: object) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_: Request) -> Response:
        return _json(value)

    return answer


def _verdict(reason: str | None) -> Response:
    if reason is None:
        return _json({"ok": True})
    return _json({"ok": False, "reason": reason}, 503)


def _json(value: object, code: int = 200) -> Response:
    return Response(msgspec.json.encode(value), code, media_type="application/json")
