"""Options that several commands share, and where their values come from.

Precedence: flag, then ``TICKETPOOL_*`` environment variable, then the TOML file
of ``--config``, then the default. The file has shared names at the top and a
table per command: ``[run]``, ``[produce]``; librdkafka properties go in ``[kafka]``, the
handlers of single topics in ``[handlers]``.
"""

import tomllib
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import click

from ticketpool.config import KafkaConfig, LogConfig
from ticketpool.errors import ConfigError

F = TypeVar("F", bound=Callable[..., Any])

_PROPERTIES = "ticketpool.properties"  # key in a context's meta
_TABLES = ("run", "produce", "verify", "demo", "broker", "status", "top", "dlq")
_TABLE_OF = {"check": "run"}


def option(*names: str, **settings: Any) -> Callable[[F], F]:
    """A click option that also reads ``TICKETPOOL_<NAME>`` and shows its default."""
    long = next(name for name in names if name.startswith("--")).split("/")[0]
    variable = "TICKETPOOL_" + long.removeprefix("--").replace("-", "_").upper()
    settings.setdefault("envvar", variable)
    settings.setdefault("show_default", True)
    return click.option(*names, **settings)


def _load(ctx: click.Context, _: click.Parameter, path: Path | None) -> Path | None:
    """Make the file's values the defaults of the command (eager, before the others)."""
    if path is not None:
        ctx.default_map = {**(ctx.default_map or {}), **defaults_from(path, ctx)}
    return path


def defaults_from(path: Path, ctx: click.Context) -> dict[str, Any]:
    """The values of a TOML file for one command, by parameter name.

    Raises:
        ConfigError: unreadable, not TOML, or an unknown key (with the nearest known one).

    librdkafka's properties go to ``ctx.meta``: ``-X`` adds to them, it does not replace them all.
    """
    try:
        data = tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigError(f"--config {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"--config {path}: not TOML: {error}") from None
    ctx.meta[_PROPERTIES] = tuple(_properties(_table(path, data, "kafka")))
    handlers = tuple(_properties(_table(path, data, "handlers")))
    tables = {name: _table(path, data, name) for name in _TABLES}
    known = _by_key(ctx.command)
    shared = {key: known.get(key) for key in _SHARED}
    values = _named(path, data, shared)
    if handlers and "handlers" in (parameter.name for parameter in ctx.command.params):
        values["handlers"] = handlers
    siblings = getattr(ctx.parent and ctx.parent.command, "commands", {}).values()
    theirs = dict.fromkeys(key for one in siblings for key in _by_key(one))
    return values | _named(path, tables.get(_table_of(ctx), {}), theirs | known)


def _table_of(ctx: click.Context) -> str:
    """The table of a command; those of a group (``dlq list``) share the group's."""
    parent = ctx.parent
    group = parent.info_name if parent is not None and parent.parent is not None else None
    name = group or ctx.info_name or ""
    return _TABLE_OF.get(name, name)


def _table(path: Path, data: dict[str, Any], name: str) -> dict[str, Any]:
    table = data.pop(name, {})
    if not isinstance(table, dict):
        raise ConfigError(f"--config {path}: {name} is no value, write a table: [{name}]")
    return table


def _properties(table: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """``name=value`` for each property; ``a.b = 1`` without quotes is a table in a table."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _properties(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}={str(value).lower() if isinstance(value, bool) else value}"


def _by_key(command: click.Command) -> dict[str, click.Parameter | None]:
    """Parameters by the key that names them in a file: the option's long name, underscored.
    An argument goes before an option of its name, which has a table of its own."""
    known: dict[str, click.Parameter | None] = {}
    for parameter in sorted(command.params, key=lambda one: one.param_type_name == "argument"):
        longs = [name for name in parameter.opts if name.startswith("--")]
        known[(longs or parameter.opts)[0].removeprefix("--").replace("-", "_")] = parameter
    return known


def _named(
    path: Path, table: dict[str, Any], known: dict[str, click.Parameter | None]
) -> dict[str, Any]:
    """Values by parameter name; those of parameters that the command lacks are left out."""
    values = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ConfigError(f"--config {path}: unknown key {key!r}{hint}")
        parameter = known[name]
        if parameter is not None and parameter.name is not None:
            repeatable = getattr(parameter, "multiple", False) and isinstance(value, str)
            values[parameter.name] = [value] if repeatable else value
    return values


_SHARED = ("bootstrap_servers", "topic", "group", "log_format", "log_level")


def kafka_options(function: F) -> F:
    """``--bootstrap-servers``, ``-X``, ``--config``, ``--log-format``, ``--log-level``."""
    for decorate in reversed(
        (
            option(
                "--bootstrap-servers",
                default="localhost:9092",
                metavar="HOST:PORT,...",
                help="Where to find the cluster.",
            ),
            click.option(
                "-X",
                "properties",
                multiple=True,
                metavar="NAME=VALUE",
                help="A librdkafka property. A secret as NAME=env:VARIABLE or NAME=file:PATH.",
            ),
            click.option(
                "--config",
                type=click.Path(path_type=Path, dir_okay=False),
                envvar="TICKETPOOL_CONFIG",
                is_eager=True,
                expose_value=False,
                callback=_load,
                help="A TOML file with the same names.",
            ),
            option(
                "--log-format",
                type=click.Choice(["console", "json"]),
                default="console",
                help="Logs on standard error: for people or machines.",
            ),
            option(
                "--log-level",
                type=click.Choice(["debug", "info", "warning", "error"]),
                default="info",
                help="Least level that is logged.",
            ),
        )
    ):
        function = decorate(function)
    return function


def kafka_config(bootstrap_servers: str, properties: tuple[str, ...]) -> KafkaConfig:
    """The value of ``--bootstrap-servers``, ``-X`` and the file's ``[kafka]``; a property of
    ``-X`` goes before the same one of the file. Raises ``ConfigError``."""
    from ticketpool.kafka.settings import parse

    given = {p.partition("=")[0] for p in properties}
    of_file: tuple[str, ...] = click.get_current_context().meta.get(_PROPERTIES, ())
    others = tuple(p for p in of_file if p.partition("=")[0] not in given)
    values = [p.partition("=")[::2] for p in (*others, *properties)]
    return KafkaConfig(
        bootstrap_servers=bootstrap_servers,
        properties=parse(others, on_argv=False) | parse(properties),
        secret_variables=tuple(v.removeprefix("env:") for _, v in values if v.startswith("env:")),
        references={name: v for name, v in values if v.startswith(("env:", "file:"))},
    )


def log_config(log_format: str, log_level: str) -> LogConfig:
    """The value of ``--log-format`` and ``--log-level``."""
    return LogConfig(format=log_format, level=log_level)
