"""The unit that we ship is one that systemd takes, and fits the defaults of the code.

In doubt because nothing runs it here: systemd only warns about what it does not know.
"""

import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests.support import missing
from ticketpool import errors
from ticketpool.config import RunConfig

UNIT = Path(__file__).parent.parent / "deploy" / "ticketpool.service"
PROGRAM = "/opt/ticketpool/bin/ticketpool"


def analyze() -> str:
    """systemd-analyze's path; without it the test is skipped, and fails in CI."""
    return shutil.which("systemd-analyze") or missing(
        "systemd-analyze", "install Debian's package systemd"
    )


def complaints(unit: str, folder: Path) -> str:
    copy = folder / UNIT.name
    copy.write_text(unit)
    command = [analyze(), "verify", "--man=no", str(copy)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return f"{told.stdout}{told.stderr}".strip() or ("" if told.returncode == 0 else "failed")


def installed() -> str:
    """The unit as on a machine where the program exists."""
    text = UNIT.read_text()
    assert PROGRAM in text
    return text.replace(PROGRAM, shutil.which("true") or "/bin/true")


def settings() -> dict[str, str]:
    parser = ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(UNIT.read_text())
    return dict(parser["Service"])


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    assert complaints(installed(), tmp_path) == ""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("OOMPolicy=continue", "OOMPolicy=carry-on"),
        ("KillMode=mixed", "KilMode=mixed"),
        ("Type=notify", "Type=telepathy"),
        ("WatchdogSec=30", "WatchdogSec=soon"),
    ],
)
def test_systemd_would_tell_a_mistake(tmp_path: Path, right: str, wrong: str) -> None:
    assert complaints(installed().replace(right, wrong), tmp_path)


def test_the_stop_timeout_leaves_room_after_the_default_drain() -> None:
    assert float(settings()["TimeoutStopSec"]) >= RunConfig().drain_seconds + 10


def test_what_a_restart_cannot_mend_is_not_restarted() -> None:
    hopeless = {errors.ConfigError, errors.HandlerError, errors.StoppedByPolicy}
    told = settings()["RestartPreventExitStatus"].split()
    assert {int(code) for code in told} == {error.exit_code for error in hopeless}
    assert settings()["Restart"] == "on-failure"


def test_the_supervisor_alone_speaks_and_is_asked_to_stop() -> None:
    expected = {
        "Type": "notify",
        "NotifyAccess": "main",
        "KillMode": "mixed",
        "OOMPolicy": "continue",
        "ExecStart": f"{PROGRAM} run --config /etc/ticketpool/ticketpool.toml",
    }
    assert settings() | expected == settings()
