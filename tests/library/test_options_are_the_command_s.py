"""``Pool`` takes every option of ``ticketpool run`` under its name, with its default, and no other.

In doubt because a second list of options is soon a different one.
"""

from typing import Any

import msgspec
import pytest

from ticketpool.cli.run import command
from ticketpool.config import Assignor, OffsetReset, OnFailure, RunConfig
from ticketpool.errors import ConfigError
from ticketpool.library.options import PoolOptions, run_config

_OF_A_COMMAND = {"config", "json"}
_REPEATED, _BY_NAME = {"topic", "handler"}, {"properties", "topics", "handlers", "codecs"}
"""Options that are repeated, some with a name in front; and what stands for them."""


def _names() -> set[str]:
    longs = {opt for parameter in command.params for opt in parameter.opts if opt[:2] == "--"}
    return {name.removeprefix("--").replace("-", "_") for name in longs}


def test_they_have_the_same_names() -> None:
    ours = set(PoolOptions.__annotations__) - _BY_NAME
    assert ours == _names() - _OF_A_COMMAND - _REPEATED


def test_what_is_left_out_has_the_command_s_default() -> None:
    found = msgspec.structs.replace(run_config("m:f", {}), search_path=())
    assert found == RunConfig(handler="m:f", http=None)  # a library opens no port unasked


def test_all_that_is_given_arrives() -> None:
    options: PoolOptions = {
        "bootstrap_servers": "a:1,b:2",
        "properties": {"session.timeout.ms": "9000"},
        "topics": ["a", "b"],
        "group": "g",
        "handlers": {"b": "m:g"},
        "codec": "msgpack",
        "codecs": {"a": "m:codec"},
        "middleware": ["m:timed"],
        "exactly_once": True,
        "batch_size": 8,
        "batch_timeout": 9.0,
        "workers": 3,
        "backoff": 1,
        "backoff_max": 2.5,
        "handler_timeout": 4.0,
        "max_rss": 5,
        "drain_timeout": 6.0,
        "commit_interval": 7.0,
        "on_failure": "skip",
        "offset_reset": "latest",
        "assignor": "range",
        "http": "127.0.0.1:1",
        "control": "/run/shop/pool.sock",
        "log_format": "json",
        "log_level": "error",
    }
    found = run_config("m:f", options)
    assert (found.kafka.bootstrap_servers, found.topics) == ("a:1,b:2", ("a", "b"))
    assert found.kafka.properties == {"session.timeout.ms": "9000"}
    assert (found.group, found.workers, found.max_rss_mib) == ("g", 3, 5)
    assert (found.backoff_seconds, found.backoff_max_seconds) == (1.0, 2.5)
    seconds = found.handler_timeout_seconds, found.drain_seconds, found.commit_interval_seconds
    assert seconds == (4.0, 6.0, 7.0)
    by_topic = (("a", "m:f", "m:codec"), ("b", "m:g", "msgpack"))
    assert (found.by_topic, found.middleware) == (by_topic, ("m:timed",))
    assert (found.exactly_once, found.batch_size, found.batch_seconds) == (True, 8, 9.0)
    assert (found.on_failure, found.assignor) == (OnFailure.SKIP, Assignor.RANGE)
    assert (found.offset_reset, found.http) == (OffsetReset.LATEST, "127.0.0.1:1")
    assert (found.log.format, found.log.level) == ("json", "error")


def test_one_topic_is_a_topic_and_no_letters() -> None:
    assert run_config("m:f", {"topics": "orders"}).topics == ("orders",)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"wrokers": 2}, "no option 'wrokers'; did you mean workers"),
        ({"workers": "2"}, r"Expected `int`, got `str`.*workers"),
        ({"workers": 0}, "--workers 0"),
        ({"on_failure": "panic"}, "panic.*on_failure"),
        ({"drain_timeout": float("nan")}, "--drain-timeout"),
        ({"topics": ["a"], "dead_letter_topic": "a"}, "come back for ever"),
        ({"bootstrap_servers": ""}, "--bootstrap-servers is empty"),
        ({"properties": {"enable.auto.commit": "true"}}, "only past finished records"),
        ({"properties": {"sasl.password": "env:NO_SUCH"}}, "NO_SUCH is not set"),
    ],
)
def test_a_wrong_one_is_told_by_its_name(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        run_config("m:f", options)


def test_a_secret_is_taken_and_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", "hunter2")
    found = run_config("m:f", {"properties": {"sasl.password": "env:PASSWORD"}})
    assert found.kafka.properties == {"sasl.password": "hunter2"}
    assert found.kafka.secret_variables == ("PASSWORD",)
    assert "hunter2" not in repr(found)
