"""A topic's records come to the handler that was named for it, decoded by its own codec.

In doubt because a topic that is forgotten, or misspelt, must not be consumed by another's
handler: what that has "processed" is committed, and gone.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from tests.worker import handlers
from ticketpool.cli import run
from ticketpool.cli.options import defaults_from
from ticketpool.config import RunConfig
from ticketpool.errors import ConfigError, HandlerNotFound
from ticketpool.ipc.frames import Hello, Ready
from ticketpool.worker.handlers import Handlers

H = "tests.worker.handlers"


def hello(handler: str = "", **more: Any) -> Hello:
    return Hello(0, handler, 0, 0.0, 0.0, "dead-letter", "json", "info", 10.0, **more)


def test_one_serves_all_topics_where_none_is_named() -> None:
    loaded = Handlers(hello(f"{H}:raw", codec="bytes"))
    assert loaded.of("a") is loaded.of("b")
    assert loaded.of("a").function is handlers.raw
    assert loaded.ready() == Ready(False)


def test_each_topic_has_its_own_loaded_once() -> None:
    by_topic = [
        ("a", f"{H}:raw", "json"), ("b", f"{H}:with_context", "json"), ("c", f"{H}:raw", "json"),
        ("d", f"{H}:struct", "msgpack"), ("e", f"{H}:struct", "json"),
    ]  # fmt: skip
    loaded = Handlers(hello("never.loaded:f", by_topic=by_topic))
    assert loaded.of("a") is loaded.of("c")
    assert loaded.of("b").function is handlers.with_context
    assert loaded.of("d") is not loaded.of("e")
    assert loaded.loaded == tuple(map(loaded.of, "abde"))
    assert loaded.ready() == Ready(False, ["b"])


def test_a_topic_that_was_not_named_is_nobodys() -> None:
    with pytest.raises(KeyError):
        Handlers(hello(by_topic=[("a", f"{H}:raw", "json")])).of("b")


def test_a_handler_of_one_topic_that_is_not_there_is_told() -> None:
    by_topic = [("a", f"{H}:raw", "json"), ("b", f"{H}:rwa", "json")]
    with pytest.raises(HandlerNotFound, match="has no 'rwa'"):
        Handlers(hello(by_topic=by_topic))


# -- the settings ----------------------------------------------------------------------


def settings(**more: Any) -> RunConfig:
    return RunConfig(topics=("a", "b"), **more)


def test_they_are_listed_where_topics_differ() -> None:
    assert settings(handler="m:f").by_topic == ()
    by_topic = settings(handler="m:f", handlers={"b": "m:g"}, codec="bytes")
    assert by_topic.by_topic == (("a", "m:f", "bytes"), ("b", "m:g", "bytes"))
    assert by_topic.handlers_shown == "a=m:f, b=m:g"
    by_codec = settings(handler="m:f", codecs={"a": "msgpack"})
    assert by_codec.by_topic == (("a", "m:f", "msgpack"), ("b", "m:f", "json"))
    assert by_codec.handlers_shown == "m:f"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"handlers": {"c": "m:f"}}, "--handler c=m:f: topic c is not read; add --topic c"),
        ({"codecs": {"c": "json"}}, "--codec c=json: topic c is not read"),
        ({"handlers": {"a": "m:f"}}, "topic b has no handler: add --handler b=module:function"),
        ({"codec": "jsn"}, "--codec jsn: json, msgpack, bytes or module:function"),
        ({"codecs": {"a": ""}}, "--codec : json, msgpack"),
    ],
)
def test_settings_that_would_leave_a_topic_to_chance(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(words)):
        settings(**more)


Configure = Callable[..., RunConfig]


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Configure:
    """The configuration that a command line gives."""
    made: list[RunConfig] = []
    monkeypatch.setattr("ticketpool.log.setup", lambda config: None)
    monkeypatch.setattr("ticketpool.supervisor.run", lambda config, told: made.append(config))

    def from_line(*arguments: str) -> RunConfig:
        run.command.main([*arguments], prog_name="run", standalone_mode=False)
        return made.pop()

    return from_line


TOPICS = ("--topic", "a", "--topic", "b")


def test_flags_name_them(configure: Configure) -> None:
    config = configure(
        "m:f", *TOPICS, "--handler", "b=m:g", "--codec", "b=m:h", "--codec", "msgpack",
        "--middleware", "m:one", "--middleware", "m:two",
    )  # fmt: skip
    assert config.by_topic == (("a", "m:f", "msgpack"), ("b", "m:g", "m:h"))
    assert config.middleware == ("m:one", "m:two")


def test_the_environment_names_them(configure: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKETPOOL_HANDLER", "a=m:f b=m:g")
    monkeypatch.setenv("TICKETPOOL_CODEC", "bytes a=json")
    assert configure(*TOPICS).by_topic == (("a", "m:f", "json"), ("b", "m:g", "bytes"))


def test_a_table_names_them(configure: Configure, tmp_path: Path) -> None:
    file = tmp_path / "ticketpool.toml"
    file.write_text("""
        topic = ["a", "b", "shop.c"]
        [run]
        handler = "m:f"
        codec = ["msgpack", "a=json"]
        middleware = "m:one"
        [handlers]
        b = "m:g"
        shop.c = "m:h"
    """)
    config = configure("--config", str(file))
    assert config.by_topic == (
        ("a", "m:f", "json"), ("b", "m:g", "msgpack"), ("shop.c", "m:h", "msgpack"),
    )  # fmt: skip
    assert config.middleware == ("m:one",)
    flags = configure("--config", str(file), "--handler", "a=m:i", "--topic", "a")
    assert flags.by_topic == (("a", "m:i", "json"),)


def test_other_commands_pass_the_table_over(tmp_path: Path) -> None:
    from ticketpool.cli import produce

    file = tmp_path / "ticketpool.toml"
    file.write_text("[handlers]\na = 'm:f'\n")
    assert defaults_from(file, click.Context(produce.command, info_name="produce")) == {}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--handler", "m:f"), "write TOPIC=m:f, or give it as HANDLER"),
        (("--handler", "a=m:f", "--handler", "a=m:g"), "a second one for topic a"),
        (("--codec", "json", "--codec", "bytes"), "a second one without a topic"),
    ],
)
def test_a_line_that_names_two_or_none(
    configure: Configure, arguments: tuple[str, ...], words: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(words)):
        configure(*TOPICS, *arguments)
