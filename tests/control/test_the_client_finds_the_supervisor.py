"""``ticketpool pause`` finds the one supervisor by itself, or says among which to choose.

In doubt because guessing wrong would pause somebody else's partitions.
"""

import socket
from pathlib import Path

import pytest

from tests.control.conftest import Serve
from ticketpool.control import client, places
from ticketpool.errors import NoSupervisor

ODD = "größer/kleiner " + "x" * 200


def test_the_only_one_is_found(runtime: Path, serve: Serve) -> None:
    with serve("auto") as one:
        assert client.find(None) == one.path
        assert client.find("shop") == one.path


def test_that_of_a_group_is_found_among_several_whatever_its_name(
    runtime: Path, serve: Serve
) -> None:
    with serve("auto", "shop") as shop, serve("auto", ODD) as odd:
        assert client.find("shop") == shop.path
        assert client.find(ODD) == odd.path
        with pytest.raises(NoSupervisor, match="no supervisor of group sho of this user"):
            client.find("sho")
        with pytest.raises(NoSupervisor, match="2 supervisors are running: name one") as found:
            client.find(None)
        assert f"--control {shop.path}   shop: Who()" in str(found.value)
        assert str(odd.path) in str(found.value)


def test_none_is_said_with_what_to_do(runtime: Path) -> None:
    with pytest.raises(NoSupervisor, match=r"start one with ticketpool run .*--control PATH"):
        client.find(None)


def test_the_dead_are_passed_over_and_the_stuck_named(
    runtime: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_WHO_SECONDS", 0.2)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(places.own_folder() / "shop.1.sock"))
    (places.own_folder() / "shop.2.sock").touch()
    with serve(str(places.own_folder() / "shop.3.sock")) as one:
        assert client.find("shop") == one.path
        with serve(str(places.own_folder() / "shop.4.sock"), answered=False) as stuck:
            with pytest.raises(NoSupervisor, match=rf"{stuck.path}   does not answer"):
                client.find("shop")
