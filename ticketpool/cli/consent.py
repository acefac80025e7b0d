"""Asking a person before something is changed."""

import sys

import click

from ticketpool.errors import ConfigError


def agree(question: str, *, yes: bool) -> None:
    """Return when it may be done: ``--yes`` was given, or a person at the terminal says so.

    Raises:
        ConfigError: there is nobody to ask.
        click.exceptions.Exit: the answer is no (exit code 1).
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError("nothing is changed: there is no terminal to ask at; add --yes to do it")
    if not click.confirm(question, err=True):
        click.echo("nothing is changed", err=True)
        raise click.exceptions.Exit(1)
