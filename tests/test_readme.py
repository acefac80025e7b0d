"""What the README says works, word for word: newcomers copy it."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from tests.broker.base import Broker
from tests.support import Command
from ticketpool.cli import run
from ticketpool.cli.options import defaults_from

README = (Path(__file__).parent.parent / "README.md").read_text()


def _blocks(opening: str) -> list[str]:
    """The fenced blocks whose opening line ends with these words."""
    return re.findall(rf"^```{re.escape(opening)}\n(.*?)^```$", README, re.S | re.M)


@pytest.mark.e2e
@pytest.mark.smoke
@pytest.mark.kafka
def test_the_tour_works_by_copy_and_paste(
    kafka: Broker, command: Callable[..., Command], tmp_path: Path
) -> None:
    (source,) = _blocks("python file=shop.py")
    (tmp_path / "shop.py").write_text(source)
    environment = {"TICKETPOOL_BOOTSTRAP_SERVERS": kafka.bootstrap, "TICKETPOOL_HTTP": "off"}
    produce, process, verify = (shlex.split(block) for block in _blocks("sh tour"))

    assert command(*produce[1:], environment=environment).wait(60) == 0
    running = command(*process[1:], environment=environment)
    assert running.wait(60) == 0
    assert command(*verify[1:], environment=environment).wait(60) == 0

    outcome = running.json()
    claimed = re.search(r"(\d+) processed, (\d+) dead-lettered, (\d+) retried", README)
    assert claimed is not None
    found = (outcome["processed"], outcome["dead_lettered"], outcome["retried"])
    assert found == tuple(map(int, claimed.groups()))


def test_the_file_of_settings_is_understood(tmp_path: Path) -> None:
    (text,) = _blocks("toml")
    path = tmp_path / "ticketpool.toml"
    path.write_text(text)
    ctx = click.Context(run.command, info_name="run")
    values = defaults_from(path, ctx)
    assert values["handler"] == "shop:handle"
    assert values["topics"] == ["tickets", "refunds"]
    assert "sasl.mechanism=SCRAM-SHA-512" in ctx.meta["ticketpool.properties"]


def test_every_option_it_names_exists() -> None:
    from ticketpool.cli import COMMANDS, cli

    known = {"--help"}
    for name in COMMANDS:
        found = cli.get_command(click.Context(cli), name)
        assert found is not None
        known |= {opt for parameter in found.params for opt in parameter.opts}
    foreign = {"--wait"}  # docker compose
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README)) - foreign <= known
