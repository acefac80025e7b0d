"""A record that goes back says how often it did, where it stood first, and whom it follows.

In doubt because ``run --park-keys`` decides by these headers whether it may be handled.
"""

from pathlib import Path
from typing import Any

import click
import msgspec
import pytest

from ticketpool.cli import cli, dlq
from ticketpool.cli.options import defaults_from
from ticketpool.core.letter import Letter
from ticketpool.core.parking import Fate, Parking
from ticketpool.dlq.returning import headers_of
from ticketpool.errors import ConfigError

DEAD = Letter(
    topic="t.dlq", partition=0, offset=3, written_ms=1, key=b"k", value=b"v",
    headers=(("who", b"me"),), origin_topic="t", origin_partition=1, origin_offset=42,
    attempts=6, error="Reject", replays=2, first_offset=10, first_ms=99,
)  # fmt: skip
PARKED = msgspec.structs.replace(DEAD, attempts=0, error="Parked", first_offset=12, follows=10)


def names(letter: Letter, **given: Any) -> dict[str, bytes | None]:
    return {name.removeprefix("ticketpool-"): value for name, value in headers_of(letter, **given)}


def test_a_dead_one_counts_and_one_that_was_never_tried_does_not() -> None:
    where = {"who": b"me", "first-offset": b"10", "first-timestamp": b"99"}
    assert names(DEAD) == where | {"replays": b"3"}
    assert names(PARKED) == where | {"replays": b"2", "first-offset": b"12", "follows": b"10"}
    stranger = msgspec.structs.replace(DEAD, first_offset=None, first_ms=None, replays=0)
    assert names(stranger) == {"who": b"me", "replays": b"1"}


def test_in_another_partition_its_first_offset_means_nothing() -> None:
    assert names(PARKED, placed=False) == {"who": b"me", "replays": b"2", "first-timestamp": b"99"}


@pytest.mark.parametrize("release", [False, True])
def test_a_release_lets_it_go_before_the_one_that_it_follows(release: bool) -> None:
    keys = Parking()
    keys.note(b"k", 10, (), Fate.DIED)
    keys.note(b"k", 12, (), Fate.PARKED)
    follows = keys.follows(b"k", 20, headers_of(PARKED, release=release))
    assert follows == (None if release else 10)


def test_its_options_have_a_table_in_the_file_of_settings(tmp_path: Path) -> None:
    path = tmp_path / "ticketpool.toml"
    path.write_text('topic = ["orders"]\ngroup = "g"\n[dlq]\nrate = 5\nmax_replays = 7\n')
    root = click.Context(cli, info_name="ticketpool")
    above = click.Context(dlq.command, info_name="dlq", parent=root)
    shared = {"topics": ["orders"], "group": "g"}
    for name, expected in (("replay", shared | {"rate": 5, "max_replays": 7}), ("list", shared)):
        found = dlq.command.commands[name]
        assert defaults_from(path, click.Context(found, info_name=name, parent=above)) == expected
    path.write_text("[dlq]\nspeed = 5\n")
    with pytest.raises(ConfigError, match="unknown key 'speed'"):
        defaults_from(path, click.Context(found, info_name=name, parent=above))
