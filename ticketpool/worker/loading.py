"""Finding the user's handler by its name, and refusing in words what can't be one."""

import importlib
import inspect
from typing import Any

from ticketpool.errors import HandlerError, HandlerNotFound, HandlerUnsupported
from ticketpool.worker.handler import Handler
from ticketpool.worker.hooks import Hooks


def load(name: str) -> Handler:
    """Import ``module:function`` (dots allowed inside ``function``) and check it; of a class,
    make the one instance of this process. ``Handler.open`` is left to the caller.

    Raises:
        HandlerNotFound: no such module or attribute.
        HandlerUnsupported: not callable, wrong parameters, or an annotation
            that cannot be decoded into.
        HandlerError: importing the module or constructing the class raised.
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
    if inspect.isclass(target):
        return Handler(name, *_constructed(name, target))
    if not callable(target):
        raise HandlerUnsupported(f"handler {name} is a {type(target).__name__}, not a function")
    return Handler(name, target)


def _constructed(name: str, target: type) -> tuple[Any, Hooks]:
    """An instance, and what opens and closes it."""
    if not any("__call__" in vars(base) for base in target.__mro__):
        raise HandlerUnsupported(f"handler {name} is a class without __call__, which would handle")
    try:
        inspect.signature(target).bind()
    except (TypeError, ValueError) as error:
        raise HandlerUnsupported(
            f"handler {name}: its constructor is called without arguments, which it does not "
            f"take: {error}"
        ) from None
    try:
        instance = target()
    except BaseException as error:  # as at import
        raise HandlerError(
            f"handler {name}: constructing it failed: {type(error).__name__}: {error}"
        ) from error
    return instance, Hooks(getattr(instance, "open", None), getattr(instance, "close", None))


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
