"""The alert rules that we ship are ones that Prometheus takes, and fire for what they are for.

In doubt because nothing evaluates them until the night that they are needed.
"""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.prometheus import promtool

FOLDER = Path(__file__).parent.parent / "deploy" / "prometheus"


def told(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and words of promtool in a copy of the folder."""
    result = subprocess.run(
        [promtool(), *arguments], cwd=folder, capture_output=True, text=True, timeout=60
    )
    return result.returncode, result.stdout + result.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "prometheus"))


def test_prometheus_takes_configuration_and_rules(folder: Path) -> None:
    code, words = told(folder, "check", "config", "prometheus.yml")
    assert code == 0, words


def test_each_alert_fires_when_it_should_and_no_other_does(folder: Path) -> None:
    code, words = told(folder, "test", "rules", "ticketpool.test.yml")
    assert code == 0, words


def test_each_alert_is_seen_to_fire() -> None:
    rules = yaml.safe_load((FOLDER / "ticketpool.rules.yml").read_text())
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    tests = yaml.safe_load((FOLDER / "ticketpool.test.yml").read_text())["tests"]
    expected = {
        sample["labels"].split('"')[1]
        for test in tests
        for check in test.get("promql_expr_test", [])
        for sample in check.get("exp_samples", [])
    }
    assert expected == alerts


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("ticketpool_time_lag_seconds) > 300", "ticketpool_time_lag_seconds) > 3000"),
        ("stall|stop|blocked", "stop|blocked"),
        ("unless max by", "and max by"),
        ("for: 10m", "for: 0m"),
    ],
)
def test_a_wrong_rule_would_be_told(folder: Path, right: str, wrong: str) -> None:
    rules = folder / "ticketpool.rules.yml"
    assert right in rules.read_text()
    rules.write_text(rules.read_text().replace(right, wrong))
    assert told(folder, "test", "rules", "ticketpool.test.yml")[0] != 0
