"""Every command that the runbook says is one that ticketpool has, with options that it takes.

In doubt because nobody types them until three in the morning.
"""

import re
from pathlib import Path

import click
import pytest

from ticketpool.cli import COMMANDS, cli

RUNBOOK = (Path(__file__).parent.parent / "deploy" / "README.md").read_text()


# Those that are being built beside this: each is checked as soon as it is there.
PROMISED = {
    "dlq",
    "move",
    "offsets",
    "pause",
    "resume",
    "scale",
    "status",
    "top",
    "topics",
    "trace",
}


def said() -> list[list[str]]:
    """The words of each command, over the ends of lines; one that is said twice, once."""
    texts = re.findall(r"`ticketpool ([^`]+)`", RUNBOOK)
    return [text.split() for text in dict.fromkeys(texts)]


def command(words: list[str]) -> tuple[click.Command, list[str]]:
    """What the first words name, and the rest."""
    found, rest = cli.get_command(click.Context(cli), words[0]), words[1:]
    assert found is not None
    while isinstance(found, click.Group) and rest:
        inner = found.get_command(click.Context(found), rest[0])
        if inner is None:
            break
        found, rest = inner, rest[1:]
    return found, rest


@pytest.mark.parametrize("words", said(), ids=" ".join)
def test_it_is_one_that_we_have(words: list[str]) -> None:
    if words[0] not in COMMANDS:
        assert words[0] in PROMISED, f"no command ticketpool {words[0]}"
        return
    found, rest = command(words)
    known = {option for parameter in found.params for option in parameter.opts}
    assert {word for word in rest if word.startswith("--")} <= known
