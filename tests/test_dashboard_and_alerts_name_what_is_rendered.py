"""Dashboard, alerts and runbook fit the metrics that we render, and each other.

In doubt because a misspelt metric is an empty graph, and an alert that never fires.
"""

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.prometheus import named, rendered

DEPLOY = Path(__file__).parent.parent / "deploy"
DASHBOARD = DEPLOY / "grafana" / "ticketpool.json"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus" / "ticketpool.rules.yml").read_text())[
        "groups"
    ]
    for rule in group["rules"]
]
RUNBOOK = (DEPLOY / "README.md").read_text()

ALERTS = [rule["alert"] for rule in RULES]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


def queries() -> list[str]:
    return [target["expr"] for panel in panels() for target in panel.get("targets", [])]


def section(alert: str) -> str:
    """The alert's section of the runbook."""
    found = re.search(rf"^### {alert}\n(.*?)(?=^### |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL)
    assert found, f"no section {alert} in deploy/README.md"
    return found[1]


def test_every_metric_of_the_dashboard_is_rendered() -> None:
    used = set().union(*map(named, queries()))
    assert len(used) > 25
    assert used <= rendered()


def test_every_metric_of_the_alerts_is_rendered() -> None:
    assert set().union(*(named(rule["expr"]) for rule in RULES)) <= rendered()


def test_the_dashboard_is_the_one_that_its_table_makes() -> None:
    made = runpy.run_path(str(DEPLOY / "grafana" / "make.py"))["text"]()
    assert DASHBOARD.read_text() == made, "run python deploy/grafana/make.py"


def test_no_panel_lies_on_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    numbers = [panel["id"] for panel in panels()]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("rule", RULES, ids=ALERTS)
def test_each_alert_names_its_section_of_the_runbook(rule: dict[str, Any]) -> None:
    assert rule["annotations"]["runbook"] == f"deploy/README.md#{rule['alert'].lower()}"
    assert rule["annotations"]["summary"]
    assert rule["labels"]["severity"] in ("page", "ticket")


@pytest.mark.parametrize("alert", ALERTS)
def test_each_section_says_what_to_see_and_what_to_do(alert: str) -> None:
    meaning, *points = section(alert).strip().split("\n- ")
    assert len(meaning) > 40
    assert [point.split(":")[0].split(",")[0] for point in points[:2]] == ["See", "Mend"]
    assert "`" in points[0] or "dashboard" in points[0]


def test_no_section_is_left_over() -> None:
    runbook = RUNBOOK[RUNBOOK.index("## Runbook") :]
    assert re.findall(r"^### (\w+)$", runbook, re.MULTILINE) == ALERTS
