"""The control socket is its user's alone, wherever it is, and what was left behind is removed.

In doubt because ``/tmp`` is everybody's: a folder or a link that somebody else has put there
would have our commands, or lend its own.
"""

import os
import socket
import stat
from pathlib import Path

import pytest

from tests.control.conftest import Serve
from ticketpool.control import places, server
from ticketpool.control.client import ask
from ticketpool.control.requests import Caller, Who
from ticketpool.errors import ConfigError


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_socket_and_folder_are_closed_to_others_whatever_the_umask(
    runtime: Path, serve: Serve
) -> None:
    before = os.umask(0)
    try:
        with serve("auto", "shop") as one:
            assert one.path == runtime / "ticketpool" / f"shop.{os.getpid()}.sock"
            assert mode_of(one.path) == 0o600
            assert mode_of(one.path.parent) == 0o700
    finally:
        os.umask(before)
    assert list(one.path.parent.iterdir()) == []


def test_systemds_folder_comes_first_and_tmp_last(
    runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", f"{tmp_path}:/run/another")
    assert places.own_folder() == tmp_path / "control"
    monkeypatch.delenv("RUNTIME_DIRECTORY")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert places.own_folder() == runtime / f"ticketpool-{os.geteuid()}"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "nowhere"))  # as after su
    assert places.own_folder() == runtime / f"ticketpool-{os.geteuid()}"
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "neither"))
    with pytest.raises(ConfigError, match=r"nowhere.*neither.*--control"):
        places.own_folder()


def test_a_folder_that_others_can_enter_is_refused(runtime: Path, serve: Serve) -> None:
    folder = runtime / "ticketpool"
    folder.mkdir()
    folder.chmod(0o755)
    with pytest.raises(ConfigError, match=r"mode 0700.*--control"):
        with serve("auto"):
            pass
    assert places.sockets() == []


def test_a_link_in_its_place_is_refused(runtime: Path, tmp_path: Path, serve: Serve) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    (runtime / "ticketpool").symlink_to(private)
    with pytest.raises(ConfigError, match="remove it, or name another place"):
        with serve("auto"):
            pass


def test_a_path_of_ones_own_has_to_be_in_a_closed_folder(tmp_path: Path, serve: Serve) -> None:
    with serve(str(tmp_path / "made" / "s.sock")) as one:
        assert mode_of(one.path.parent) == 0o700
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    with pytest.raises(ConfigError, match="--control"):
        with serve(str(open_to_all / "s.sock")):
            pass


def test_a_path_that_is_too_long_is_refused_in_words(tmp_path: Path, serve: Serve) -> None:
    with pytest.raises(ConfigError, match=r"AF_UNIX path too long; see --control"):
        with serve(str(tmp_path / ("x" * 120))):
            pass


def test_a_second_one_at_the_same_path_is_refused(tmp_path: Path, serve: Serve) -> None:
    path = str(tmp_path / "s.sock")
    with serve(path), pytest.raises(ConfigError, match="Address already in use"):
        with serve(path):
            pass


def test_what_a_killed_supervisor_left_is_removed(runtime: Path, serve: Serve) -> None:
    folder = places.own_folder()
    left = folder / "shop.4194304.sock"  # above any pid
    starting = folder / f"another.{os.getppid()}.sock"  # bound, and about to listen
    with socket.socket(socket.AF_UNIX) as dead, socket.socket(socket.AF_UNIX) as young:
        dead.bind(str(left))
        young.bind(str(starting))
        with serve(str(folder / "living.4194304.sock")) as living, serve("auto"):
            assert not left.exists()
            assert starting.exists()
            assert living.path.exists()


def test_another_user_is_refused_and_root_is_not(
    tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(str(tmp_path / "s.sock")) as one:
        assert ask(one.path, Who(), 5).lines[1] == f"uid {os.geteuid()}"  # as the kernel says
        monkeypatch.setattr(server, "_caller", lambda client: Caller(pid=1, uid=os.geteuid() + 1))
        answer = ask(one.path, Who(), 5)
        assert (answer.lines, answer.exit_code) == (
            ["only the supervisor's own user and root may do that"], 3,
        )  # fmt: skip
        monkeypatch.setattr(server, "_caller", lambda client: Caller(pid=1, uid=0))
        assert ask(one.path, Who(), 5).exit_code == 0
