"""A handler's name, by which another process can import it."""

import os
import site
import sys
import sysconfig
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from ticketpool.core.model import Context
from ticketpool.errors import HandlerUnsupported

Handler = (
    str
    | Callable[[Any], object]
    | Callable[[Any, Context], object]
    | Callable[[Any, list[Context]], object]
    | type[Any]
)
"""``"module:function"``, or a function or class that can be imported."""

_BY_NAME = "Workers are processes of their own and import it by name"


def name_of(handler: Handler) -> str:
    """``module:function`` of a function or class, or the name itself.

    Raises:
        HandlerUnsupported: it can't be imported under a name: a lambda, a nested
            function, an instance, one of a session or a notebook.

    >>> from ticketpool.demo.handler import handle
    >>> name_of(handle)
    'ticketpool.demo.handler:handle'
    """
    if isinstance(handler, str):
        return handler
    module, path = getattr(handler, "__module__", None), getattr(handler, "__qualname__", None)
    if not module or not path:
        raise HandlerUnsupported(
            f"handler {handler!r} has no name of its own. {_BY_NAME}: give it as 'module:variable'"
        )
    if "<" in path:
        kind = "a lambda" if path.endswith("<lambda>") else "made inside a function"
        raise HandlerUnsupported(
            f"handler {path} is {kind}. {_BY_NAME}: define it with def at the top of its module"
        )
    _check_found(handler, module, path)
    return f"{_importable(module, path)}:{path}"


def _check_found(handler: object, module: str, path: str) -> None:
    """Raise unless it is what its name stands for."""
    found: Any = sys.modules.get(module)
    for part in path.split("."):
        found = getattr(found, part, None)
    if found is not handler:
        raise HandlerUnsupported(
            f"handler {module}:{path} is not what stands there under that name. {_BY_NAME}: "
            "give it as 'module:variable'"
        )


def _importable(module: str, path: str) -> str:
    """The module's name in another process; the program itself has one of its own there."""
    if module != "__main__":
        return module
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:  # python -m module
        return str(spec.name)
    file: str | None = getattr(main, "__file__", None)
    if file is None or not os.path.isfile(file):
        raise HandlerUnsupported(
            f"handler {path} comes from standard input or a session. {_BY_NAME}: put it into a file"
        )
    name = os.path.splitext(os.path.basename(file))[0]
    if not name.isidentifier() or _origin(name) != os.path.realpath(file):
        raise HandlerUnsupported(
            f"handler {path} is in {os.path.basename(file)}, which can't be imported. {_BY_NAME}: "
            "move it into a module beside it"
        )
    return name


def _origin(module: str) -> str | None:
    """The file that an import of it would run."""
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return None
    return os.path.realpath(spec.origin) if spec is not None and spec.origin else None


def search_path() -> tuple[str, ...]:
    """Where this program finds modules and a fresh interpreter might not."""
    standard = {
        *sysconfig.get_paths().values(),
        *site.getsitepackages(),
        site.getusersitepackages(),
    }
    return tuple(
        dict.fromkeys(os.path.abspath(entry) for entry in sys.path if entry not in standard)
    )
