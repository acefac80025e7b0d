"""Who may ask: on a loopback listener only pages and clients of this machine.

*Supervisor side.* A web page from elsewhere can have its own name resolve to 127.0.0.1 (DNS
rebinding), and would then read what this listener tells as if it came from there. Its browser
still names that page's host in the Host header, so on loopback only names that mean this machine
are answered. Beyond loopback any name is: scrapers use what their DNS gives them.
"""

import ipaddress

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send


def is_loopback(address: str) -> bool:
    """Whether this numeric address, as ``getsockname`` tells it, is of this machine only."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def is_here(host: str, *names: str) -> bool:
    """Whether a Host header names this machine: by an address, ``localhost`` or one of ``names``.

    >>> [is_here(host) for host in ("127.0.0.1:9464", "[::1]", "localhost:80", "evil.example")]
    [True, True, True, False]
    """
    name = _name(host)
    if name == "localhost" or name.endswith(".localhost") or name in map(str.lower, names):
        return True
    try:
        ipaddress.ip_address(name)  # no name, so nobody's DNS has a say in it
    except ValueError:
        return False
    return True


def _name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if ":" in host else host.lower()


class OwnHostOnly:
    """An ASGI application that refuses requests for other hosts with 403.

    A request without a Host header (HTTP/1.0) is no browser's, and is answered.

    Args:
        app: what answers the others.
        name: how the listener was named (``--http NAME:PORT``); it counts as this machine.
    """

    def __init__(self, app: ASGIApp, name: str) -> None:
        self._app = app
        self._own = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if all(is_here(host, self._own) for host in hosts):
            await self._app(scope, receive, send)
            return
        answer = PlainTextResponse(
            "This listener is on loopback and answers to localhost and to addresses only.\n"
            "Ask for one of these, or name another host with --http HOST:PORT.\n",
            403,
        )
        await answer(scope, receive, send)
