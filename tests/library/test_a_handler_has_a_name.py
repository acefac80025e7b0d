"""A handler given as a function reaches the workers by name, or is refused in words.

In doubt because a worker is another process, where a lambda, a method of an instance or a
function of the program itself is another thing or none.
"""

import functools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.library import handlers
from ticketpool.errors import HandlerUnsupported
from ticketpool.library.names import name_of, search_path
from ticketpool.worker.loading import load


@pytest.mark.parametrize(
    ("handler", "name"),
    [
        ("anything at all", "anything at all"),  # the workers say what is wrong with it
        (handlers.note, "tests.library.handlers:note"),
        (handlers.alias, "tests.library.handlers:note"),
        (handlers.Shop, "tests.library.handlers:Shop"),
        (handlers.Shop.serve, "tests.library.handlers:Shop.serve"),
    ],
)
def test_what_has_a_name(handler: str | Callable[..., object], name: str) -> None:
    assert name_of(handler) == name


def test_the_name_loads_the_very_function() -> None:
    assert load(name_of(handlers.Shop.serve)).function is handlers.Shop.serve


@functools.wraps(handlers.note)
def impostor(ticket: object) -> None: ...


@pytest.mark.parametrize(
    ("handler", "told"),
    [
        (lambda ticket: None, "is a lambda.*def at the top of its module"),
        (handlers.nameless, "is a lambda"),
        (handlers.factory(), "made inside a function.*def at the top"),
        (handlers.bound, "not what stands there under that name.*'module:variable'"),
        (impostor, "not what stands there under that name.*'module:variable'"),
        (functools.partial(handlers.note), "no name of its own.*'module:variable'"),
    ],
)
def test_what_has_none_is_refused_in_words(handler: Callable[..., object], told: str) -> None:
    with pytest.raises(HandlerUnsupported, match=told):
        name_of(handler)


PROGRAM = """
from ticketpool.library.names import name_of
from ticketpool.errors import HandlerUnsupported

def handle(ticket): ...

if __name__ == "__main__":
    try:
        print(name_of(handle))
    except HandlerUnsupported as error:
        print(error)
"""


def _printed(folder: Path, *arguments: str, stdin: str = "") -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, input=stdin, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_program_s_own_function_has_its_module_s_name(tmp_path: Path) -> None:
    program = tmp_path / "shop" / "app.py"
    program.parent.mkdir()
    program.write_text(PROGRAM)
    assert _printed(tmp_path, "shop/app.py") == "app:handle"
    assert _printed(tmp_path, "-m", "shop.app") == "shop.app:handle"
    program.with_name("__main__.py").write_text(PROGRAM)
    assert _printed(tmp_path, "-m", "shop") == "shop.__main__:handle"


def test_a_program_that_can_t_be_imported_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "my-app.py").write_text(PROGRAM)
    (tmp_path / "json.py").write_text(PROGRAM)  # not what ``import json`` finds with -P
    for arguments in (["my-app.py"], ["-P", "json.py"]):
        assert "move it into a module beside it" in _printed(tmp_path, *arguments)
    assert "put it into a file" in _printed(tmp_path, "-", stdin=PROGRAM)


def test_what_a_program_can_import_its_workers_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "only_here.py").write_text("def handle(ticket): ...")
    monkeypatch.syspath_prepend(tmp_path)
    assert str(tmp_path) in search_path()
    assert not any("site-packages" in entry for entry in search_path())
