"""What a user has named ``module:function``: a handler, a codec's hook, a middleware."""

import importlib
import inspect
from typing import Any

from ticketpool.errors import HandlerError, HandlerNotFound


def find(kind: str, name: str) -> Any:
    """Import ``module:function`` (dots allowed inside ``function``).

    Args:
        kind: what it is to be, for messages: handler, codec, middleware.

    Raises:
        HandlerNotFound: no such module or attribute.
        HandlerError: importing the module raised.
    """
    what = f"{kind} {name}"
    module_name, colon, path = name.partition(":")
    if not (module_name and colon and path):
        raise HandlerNotFound(f"{kind} {name!r}: write module:function")
    target: Any = _import(what, module_name)
    for part in path.split("."):
        try:
            target = getattr(target, part)
        except AttributeError:
            raise HandlerNotFound(
                f"{what}: {module_name} has no {path!r}{_names(target)}"
            ) from None
    return target


def is_awaited(target: Any) -> bool:
    """Whether what a call of it returns is to be awaited."""
    return any(map(inspect.iscoroutinefunction, _both(target)))


def is_generator(target: Any) -> bool:
    """Whether a call of it runs nothing, because it is a generator function."""
    kinds = inspect.isgeneratorfunction, inspect.isasyncgenfunction
    return any(kind(one) for kind in kinds for one in _both(target))


def _both(target: Any) -> tuple[Any, Any]:
    """A callable, and what runs when it is called."""
    return target, getattr(target, "__call__", None)  # noqa: B004 - we want the method itself


def _import(what: str, module_name: str) -> Any:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name + ".").startswith(error.name + "."):
            raise HandlerNotFound(
                f"{what}: no module {error.name!r} in the current directory or on sys.path"
            ) from None
        raise HandlerError(f"{what}: importing it failed: {error}") from error
    except BaseException as error:  # whatever user code does at import, SystemExit included
        raise HandlerError(
            f"{what}: importing it failed: {type(error).__name__}: {error}"
        ) from error


def _names(module: Any) -> str:
    """Its own public functions, for a name that was not found."""
    own = getattr(module, "__name__", None)
    members = getattr(module, "__dict__", {}).items()
    functions = [n for n, v in members if inspect.isfunction(v) and v.__module__ == own]
    found = sorted(n for n in functions if not n.startswith("_"))
    return f"; its functions: {', '.join(found[:10])}" if found else ""
