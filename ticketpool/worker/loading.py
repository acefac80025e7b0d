"""Finding the user's handler by its name, and refusing in words what can't be one."""

import importlib
import inspect
from typing import Any

from ticketpool.errors import HandlerError, HandlerNotFound, HandlerUnsupported
from ticketpool.worker.handler import Handler


def load(name: str) -> Handler:
    """Import ``module:function`` (dots allowed inside ``function``) and check it.

    Raises:
        HandlerNotFound: no such module or attribute.
        HandlerUnsupported: not callable, wrong parameters, or an annotation
            that cannot be decoded into.
        HandlerError: importing the module raised.
    """
    module_name, colon, path = name.partition(":")
    if not (module_name and colon and path):
        raise HandlerNotFound(f"handler {name!r}: write module:function")
    target: Any = _import(name, module_name)
    for part in path.split("."):
        try:
            target = getattr(target, part)
        except AttributeError:
            raise HandlerNotFound(
                f"handler {name}: {module_name} has no {path!r}{_names(target)}"
            ) from None
    _check_kind(name, target)
    return Handler(name, target)


def _import(name: str, module_name: str) -> Any:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name + ".").startswith(error.name + "."):
            raise HandlerNotFound(
                f"handler {name}: no module {error.name!r} in the current directory or on sys.path"
            ) from None
        raise HandlerError(f"handler {name}: importing it failed: {error}") from error
    except BaseException as error:  # whatever user code does at import, SystemExit included
        raise HandlerError(
            f"handler {name}: importing it failed: {type(error).__name__}: {error}"
        ) from error


def _names(module: Any) -> str:
    """Its own public functions, for a name that was not found."""
    own = getattr(module, "__name__", None)
    members = getattr(module, "__dict__", {}).items()
    functions = [n for n, v in members if inspect.isfunction(v) and v.__module__ == own]
    found = sorted(n for n in functions if not n.startswith("_"))
    return f"; its functions: {', '.join(found[:10])}" if found else ""


def _check_kind(name: str, target: Any) -> None:
    if inspect.isclass(target):
        raise HandlerUnsupported(f"handler {name} is a class; this version serves functions only")
    if not callable(target):
        raise HandlerUnsupported(f"handler {name} is a {type(target).__name__}, not a function")
    called = target if inspect.isfunction(target) else getattr(target, "__call__", None)  # noqa: B004 - we want the method itself
    if any(map(inspect.iscoroutinefunction, (target, called))):
        raise HandlerUnsupported(f"handler {name} is async; this version serves plain functions")
    generators = inspect.isgeneratorfunction, inspect.isasyncgenfunction
    if any(is_generator(one) for is_generator in generators for one in (target, called)):
        raise HandlerUnsupported(f"handler {name} is a generator; calling it would do nothing")
