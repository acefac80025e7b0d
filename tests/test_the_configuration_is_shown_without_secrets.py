"""What ``/api/config`` shows is every setting by its option, and no secret.

In doubt because settings are added by people who do not think of this page.
"""

from pathlib import Path

import pytest

from ticketpool.cli.run import command
from ticketpool.config import KafkaConfig, RunConfig
from ticketpool.config.shown import Setting, shown
from ticketpool.library.options import kafka_config

ELSEWHERE = {"-X", "--config", "--json", "--help"}  # properties are shown one by one


def by_option(config: RunConfig) -> dict[str, Setting]:
    return {one.option: one for one in shown(config)}


def test_every_option_of_run_is_shown_and_nothing_else() -> None:
    options = {
        name
        for parameter in command.params
        for name in parameter.opts
        if parameter.param_type_name == "option" and name not in ELSEWHERE
    }
    assert set(by_option(RunConfig())) == options | {"HANDLER"}


def test_values_are_as_one_writes_them_and_what_was_given_stands_out() -> None:
    told = by_option(
        RunConfig(
            topics=("a", "b"),
            handlers={"a": "shop:handle"},
            handler="shop:other",
            codecs={"b": "msgpack"},
            backoff_seconds=0.25,
            http=None,
            exactly_once=True,
        )
    )
    assert told["--topic"] == Setting("--topic", "a, b", given=True)
    assert told["--handler"].value == "a=shop:handle"
    assert told["HANDLER"].value == "shop:other"
    assert told["--codec"] == Setting("--codec", "json, b=msgpack", given=True)
    assert told["--backoff"].value == "0.25"
    assert told["--http"].value == "off"
    assert told["--exactly-once"].value == "on"
    assert told["--on-failure"] == Setting("--on-failure", "dead-letter", given=False)
    assert told["--dead-letter-topic"].value == "<topic>.dlq"
    assert told["--retries"] == Setting("--retries", "5", given=False)


@pytest.mark.parametrize(
    "name",
    ["sasl.password", "ssl.key.password", "ssl.key.pem", "ssl.keystore.password",
     "sasl.jaas.config", "sasl.oauthbearer.client.secret",
     "sasl.oauthbearer.token.endpoint.url", "X.Token"],
)  # fmt: skip
def test_a_property_that_may_be_secret_is_masked(name: str) -> None:
    config = RunConfig(kafka=KafkaConfig(properties={name: "hunter2"}))
    assert by_option(config)[f"-X {name}"].value == "***"


def test_credentials_in_an_address_are_masked() -> None:
    config = RunConfig(kafka=KafkaConfig(properties={"https.proxy": "http://me:hunter2@proxy:1"}))
    assert by_option(config)["-X https.proxy"].value == "***"


def test_a_reference_is_shown_and_never_what_it_refers_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    secret.chmod(0o600)
    monkeypatch.setenv("SHOP_USER", "shop-17")
    kafka = kafka_config(
        "kafka:9092",
        {"sasl.password": f"file:{secret}", "sasl.username": "env:SHOP_USER", "client.rack": "r1"},
    )
    assert kafka.properties["sasl.password"] == "hunter2"
    told = by_option(RunConfig(kafka=kafka))
    assert told["-X sasl.password"].value == f"file:{secret}"
    assert told["-X sasl.username"].value == "env:SHOP_USER"
    assert told["-X client.rack"].value == "r1"
    assert "hunter2" not in str(told)
    assert "shop-17" not in str(told)
