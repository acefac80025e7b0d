"""The listener binds where it was told, goes when told, and leaves the process as it was.

In doubt because a web server in a thread likes to take over signals and logs.
"""

import logging
import select
import signal
import threading
import time
from pathlib import Path

import httpx
import psutil
import pytest

from tests.http.client import ASK, Serve, connect, cut, get, open_at
from ticketpool.config.address import parse
from ticketpool.errors import ConfigError


@pytest.mark.parametrize(
    "address",
    [
        "",
        "9464",
        ":9464",
        "localhost",
        "localhost:",
        "localhost:http",
        "localhost:-1",
        "localhost:65536",
        "localhost:²",
        "[]:1",
        "::1:9464",
        "no.such.host.invalid:9464",
        "203.0.113.7:9464",
        "x" * 70 + ":9464",
    ],
)
def test_a_wrong_address_is_a_configuration_error(serve: Serve, address: str) -> None:
    with pytest.raises(ConfigError, match="--http"):
        serve(address=address)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1:9464", ("127.0.0.1", 9464)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:80", ("::1", 80)),
        ("0.0.0.0:65535", ("0.0.0.0", 65535)),  # noqa: S104  parsed, not bound
    ],
)
def test_addresses_are_host_and_port(address: str, expected: tuple[str, int]) -> None:
    assert parse(address) == expected


def test_a_port_in_use_is_told_at_once(serve: Serve) -> None:
    port = serve().port
    with pytest.raises(ConfigError, match=f"--http 127.0.0.1:{port}: .*in use.*--http off"):
        serve(address=f"127.0.0.1:{port}")


def test_it_listens_where_it_was_told_and_nowhere_else(serve: Serve) -> None:
    server = serve()
    listening = [
        c.laddr.ip
        for c in psutil.Process().net_connections("inet")
        if c.status == psutil.CONN_LISTEN and c.laddr.port == server.port
    ]
    assert listening == ["127.0.0.1"]


def test_ipv6_works_where_the_machine_has_it(serve: Serve) -> None:
    try:
        server = serve(address="[::1]:0")
    except ConfigError as error:
        pytest.skip(f"no IPv6 here: {error}")
    url = f"http://[::1]:{server.port}/readyz"
    assert httpx.get(url, trust_env=False).status_code == 200


def test_a_stopped_server_frees_its_port_and_its_thread(serve: Serve) -> None:
    first = serve()
    assert get(first, "/readyz").status_code == 200
    first.stop()
    first.stop()
    assert "ticketpool-http" not in {thread.name for thread in threading.enumerate()}
    second = serve(address=f"127.0.0.1:{first.port}")
    assert get(second, "/readyz").status_code == 200


def test_stopping_does_not_wait_for_a_client_that_stays(serve: Serve) -> None:
    server = serve(metrics=lambda accept: (bytes(50_000_000), "text/plain"))
    with connect(server, ASK) as client:
        assert select.select([client], [], [], 10)[0]
        before = time.monotonic()
        server.stop()
        assert time.monotonic() - before < 1  # what uvicorn would grant them
        assert open_at(server.port) == 0


def test_signals_and_logs_stay_as_the_process_has_them(serve: Serve) -> None:
    def state() -> tuple[object, ...]:
        root = logging.getLogger()
        signals = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
        return signals, root.level, list(root.handlers)

    before = state()
    server = serve()
    assert get(server, "/").status_code == 200
    assert state() == before


def test_a_signal_never_lands_on_the_servers_thread(serve: Serve) -> None:
    assert get(serve(), "/").status_code == 200
    (thread,) = [t for t in threading.enumerate() if t.name == "ticketpool-http"]
    status = Path(f"/proc/self/task/{thread.native_id}/status").read_text()
    (blocked,) = [int(line.split()[1], 16) for line in status.splitlines() if "SigBlk" in line]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        assert blocked >> (number - 1) & 1


def test_requests_leave_no_line_in_the_log(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server = serve()
    get(server, "/")
    with connect(server, b"\x16\x03\x01\r\n\r\n") as client:
        cut(client)
    server.stop()
    assert [r.getMessage() for r in caplog.records if r.name.startswith("uvicorn")] == []
