"""A web page from elsewhere whose name resolves to 127.0.0.1 reads nothing.

In doubt because such a page's requests come from this machine, and a browser lets it read
the answers: they are of its own origin.
"""

import httpx
import pytest

from tests.http.client import ROUTES, Serve, get
from ticketpool.http.guard import is_here, is_loopback


@pytest.mark.parametrize("path", [*ROUTES, "/api/letters", "/api/config", "/api/stream"])
def test_another_name_is_refused(serve: Serve, path: str) -> None:
    answer = get(serve(), path, host="evil.example:9464")
    assert answer.status_code == 403
    assert "--http HOST:PORT" in answer.text


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:9464", "localhost", "LOCALHOST:1", "[::1]:9"]
)
def test_names_of_this_machine_are_answered(serve: Serve, host: str) -> None:
    assert get(serve(), "/readyz", host=host).status_code == 200


def test_the_name_that_the_listener_was_given_is_answered(serve: Serve) -> None:
    server = serve(address="localhost:0")
    url = f"http://localhost:{server.port}/readyz"
    assert httpx.get(url, trust_env=False).status_code == 200


def test_a_name_is_what_it_is_as_a_whole() -> None:
    for name in ("localhost.evil.example", "127.0.0.1.evil.example", "evil-localhost", "", ":80"):
        assert not is_here(name), name
    assert is_here("shop.localhost")
    assert is_here("Shop-1:80", "shop-1")
    assert not is_here("shop-1", "shop-2")


@pytest.mark.parametrize(
    ("address", "expected"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("0.0.0.0", False), ("::", False),  # noqa: S104
     ("10.0.0.1", False), ("fe80::1%eth0", False)],
)  # fmt: skip
def test_beyond_loopback_scrapers_use_their_names(address: str, expected: bool) -> None:
    assert is_loopback(address) is expected
