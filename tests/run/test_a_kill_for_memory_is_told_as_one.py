"""The kernel's count of its kills for want of memory is found under cgroups of both versions.

In doubt because machines mount version 1, 2, or both, and containers hide the files. (A real
kill: tests/faults/test_a_worker_out_of_memory_costs_its_record_only.py.)
"""

from pathlib import Path

import pytest

from ticketpool.supervisor.memory import OomKills, counter

UNIFIED = "0::/system.slice/ticketpool.service\n"
LEGACY = "9:name=systemd:/\n4:cpu,memory:/shop\n"


@pytest.mark.parametrize(
    ("membership", "found"),
    [
        pytest.param(UNIFIED, "system.slice/ticketpool.service/memory.events", id="version 2"),
        pytest.param(LEGACY, "memory/shop/memory.oom_control", id="version 1"),
        pytest.param(LEGACY + UNIFIED, "memory/shop/memory.oom_control", id="both"),
        pytest.param("0::/\n", "memory.events", id="container"),
    ],
)
def test_where_it_is(membership: str, found: str, tmp_path: Path) -> None:
    assert counter(membership, tmp_path) == tmp_path / found


def test_without_memory_control_there_is_none() -> None:
    assert counter("9:name=systemd:/\n") is None


@pytest.mark.parametrize(
    "content",
    ["low 0\noom 3\noom_kill {}\noom_group_kill 9\n", "under_oom 0\noom_kill {}\n"],
    ids=["version 2", "version 1"],
)
def test_it_is_compared_with_the_last_look(content: str, tmp_path: Path) -> None:
    file = tmp_path / "count"
    file.write_text(content.format(4))
    kills = OomKills(file)
    assert not kills.risen()
    file.write_text(content.format(6))
    assert kills.risen()
    assert not kills.risen()


@pytest.mark.parametrize("file", [None, Path("/nowhere/memory.events")])
def test_where_the_kernel_does_not_tell_it_never_rises(file: Path | None) -> None:
    assert not OomKills(file).risen()
