"""Whom ``status`` and ``top`` ask: their shared options, and what is made of them."""

from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from ticketpool.cli.options import option
from ticketpool.config import RunConfig
from ticketpool.errors import ConfigError

F = TypeVar("F", bound=Callable[..., Any])

_HTTP = "127.0.0.1:9464"


def source_options(function: F) -> F:
    """``--http``, ``--group``."""
    group = option(
        "--group",
        metavar="NAME",
        default=RunConfig().group,
        help="Ask the broker alone for this group, for want of a supervisor that can be reached.",
    )
    http = option(
        "--http",
        multiple=True,
        default=(_HTTP,),
        metavar="HOST:PORT",
        help="A supervisor's --http; repeat for several.",
    )
    return http(group(function))


def broker_alone() -> bool:
    """Whether the command line asks for the broker's view: by its group or its servers.

    Raises:
        ConfigError: and for supervisors, too.
    """
    ctx = click.get_current_context()
    typed = {
        name
        for name in ("http", "group", "bootstrap_servers")
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    if "http" in typed and len(typed) > 1:
        raise ConfigError(
            "--http asks supervisors, --group and --bootstrap-servers the broker: give one kind"
        )
    return bool(typed - {"http"})
