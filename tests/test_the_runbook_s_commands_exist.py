"""Every command that the documents say is one that ticketpool has, with options that it takes.

In doubt because nobody types them until three in the morning.
"""

import re
from pathlib import Path

import click
import pytest

from ticketpool.cli import COMMANDS, cli

ROOT = Path(__file__).parent.parent
TEXTS = [
    (ROOT / name).read_text() for name in ("README.md", "deploy/README.md", "deploy/OPERATING.md")
]


def said() -> list[list[str]]:
    """The words of each command, over the ends of lines; one that is said twice, once."""
    texts = [said for text in TEXTS for said in re.findall(r"`ticketpool ([^`]+)`", text)]
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
    assert words[0] in COMMANDS, f"no command ticketpool {words[0]}"
    found, rest = command(words)
    known = {option for parameter in found.params for option in parameter.opts}
    assert {word for word in rest if word.startswith("--")} <= known
