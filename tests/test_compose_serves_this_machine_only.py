"""`docker compose up` starts Kafka, Prometheus and Grafana with all that we ship for them.

In doubt because no test starts it: no engine is at hand that could pull the images. So what can
be read is read: nothing is open to the network, and every file that is mounted is there.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "compose.yml").read_text())["services"]
PROVISIONING = ROOT / "deploy" / "grafana" / "provisioning"


def mounts(service: str) -> dict[str, str]:
    """Our files and folders, by where they stand in the container."""
    volumes = [volume.split(":") for volume in SERVICES[service]["volumes"]]
    return {volume[1]: volume[0] for volume in volumes if volume[0].startswith(".")}


def test_all_three_are_started_in_versions_that_are_named() -> None:
    assert set(SERVICES) == {"kafka", "prometheus", "grafana"}
    for service in SERVICES.values():
        assert service["image"].rpartition(":")[2] not in ("", "latest")
        assert "profiles" not in service


def test_nothing_listens_beyond_this_machine() -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["kafka"]["ports"])
    assert "--web.listen-address=127.0.0.1:9090" in SERVICES["prometheus"]["command"]
    assert SERVICES["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"


@pytest.mark.parametrize("service", ["prometheus", "grafana"])
def test_every_file_that_is_mounted_is_there(service: str) -> None:
    assert mounts(service)
    for ours in mounts(service).values():
        assert (ROOT / ours).exists(), ours


def test_prometheus_has_our_alerts_and_scrapes_the_default_listener() -> None:
    inside = mounts("prometheus")["/etc/prometheus"]
    assert "--config.file=/etc/prometheus/prometheus.yml" in SERVICES["prometheus"]["command"]
    config = yaml.safe_load((ROOT / inside / "prometheus.yml").read_text())
    assert all((ROOT / inside / name).exists() for name in config["rule_files"])
    (job,) = config["scrape_configs"]
    assert job["job_name"] == "ticketpool"  # the rules say up{job="ticketpool"}
    assert job["static_configs"][0]["targets"] == ["127.0.0.1:9464"]


def test_grafana_finds_prometheus_and_the_dashboard() -> None:
    assert ROOT / mounts("grafana")["/etc/grafana/provisioning"] == PROVISIONING
    (source,) = yaml.safe_load((PROVISIONING / "datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    assert (source["type"], source["url"]) == ("prometheus", "http://127.0.0.1:9090")
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards/ticketpool.yml").read_text())[
        "providers"
    ]
    dashboards = [Path(inside).parent for inside in mounts("grafana") if inside.endswith(".json")]
    assert dashboards == [Path(provider["options"]["path"])]
