"""A line of the log is one object, says where it comes from, and holds no secret.

In doubt because secrets come in by other libraries' messages and by tracebacks, and texts of users
hold whatever they hold.
"""

import logging
import re
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests.log.conftest import Setup
from ticketpool import log, masking
from ticketpool.config import KafkaConfig
from ticketpool.kafka.settings import admin_properties

CANARY = 'canary "\\x'
PEM = "-----BEGIN KEY-----\nc2VjcmV0IGxpbmUgb25l\nc2VjcmV0IGxpbmUgdHdv\n-----END KEY-----"


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(masking, "_known", ())
    kafka = KafkaConfig(
        properties={"sasl.password": CANARY, "ssl.key.pem": PEM, "sasl.username": "shop"}
    )
    admin_properties(kafka)  # as whoever makes a client does
    yield


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_secret_is_masked_wherever_it_turns_up(form: str, setup: Setup, secrets: None) -> None:
    written = setup(form)
    logger = log.get("ticketpool.test")
    logger.info("login", user="shop", password=CANARY, nested={"deep": [CANARY]})
    logger.info(" ".join(["event", CANARY]), error=repr(ValueError(CANARY)))
    logging.getLogger("shop").warning("of others: %s and %r", CANARY, CANARY)
    logger.info("key", pem=PEM, line=PEM.splitlines()[1])
    try:
        raise ValueError(f"refused: {CANARY}")
    except ValueError:
        logger.exception("failed")
        logging.getLogger("shop").exception("failed, too")
    text = written.getvalue()
    assert "canary" not in text and "c2VjcmV0" not in text
    assert text.count("***") >= 9 and "shop" in text
    assert text.count("ValueError: refused: ***") == 2


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_tells_no_values_of_variables(form: str, setup: Setup) -> None:
    written = setup(form)
    try:
        payload = "a record of somebody"
        raise ValueError(len(payload))
    except ValueError:
        log.get("ticketpool.test").exception("failed")
    assert "ValueError" in written.getvalue()
    assert "somebody" not in written.getvalue().replace('payload = "a record of somebody"', "")


def test_short_values_are_not_looked_for() -> None:
    masking.hide("", "abc")
    assert masking.masked("abc and so on") == "abc and so on"


def test_a_line_of_json_is_one_object_with_a_time(setup: Setup) -> None:
    written = setup("json", worker=2, pid=7)
    log.get("ticketpool.test").info(
        "all kinds",
        text="two\nlines \udc80 ☃ 😀 \\ud800",
        raw=b"\xff",
        number=1.5,
        none=None,
        worker=9,
    )
    logging.getLogger("shop").error("two\nlines")
    ours, theirs = written.lines()
    assert (ours["event"], ours["text"], ours["worker"], ours["pid"]) == (
        "all kinds", "two\nlines \ufffd ☃ 😀 \\ufffd", 9, 7,
    )  # fmt: skip
    assert (theirs["event"], theirs["level"], theirs["worker"]) == ("two\nlines", "error", 2)
    for line in (ours, theirs):
        time = line["timestamp"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", time)
        assert datetime.fromisoformat(time).utcoffset() == timedelta()


@pytest.mark.parametrize(
    ("terminal", "environment", "coloured"),
    [
        (True, {"TERM": "xterm"}, True),
        (False, {"TERM": "xterm"}, False),
        (True, {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (True, {"TERM": "xterm", "NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_colours_are_for_terminals_that_want_them(
    terminal: bool, environment: dict[str, str], coloured: bool, setup: Setup,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    written = setup("console", terminal=terminal)
    log.get("ticketpool.test").info("ready", partitions=3)
    assert ("\x1b[" in written.getvalue()) == coloured
    assert "ready" in written.getvalue()


def test_a_place_belongs_to_its_thread(setup: Setup) -> None:
    written = setup("json")
    offsets = iter([5, 6])

    def lane() -> None:
        log.in_place(lambda: {"topic": "t", "offset": next(offsets)})
        logging.getLogger("shop").warning("first")
        logging.getLogger("shop").warning("second")

    thread = threading.Thread(target=lane)
    thread.start()
    thread.join()
    logging.getLogger("shop").warning("elsewhere")
    first, second, elsewhere = written.lines()
    assert [first["offset"], second["offset"]] == [5, 6]
    assert "topic" not in elsewhere and "offset" not in elsewhere
