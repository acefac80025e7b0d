"""systemd's watchdog is fed by a healthy service only; its line names the worst partition.

In doubt because a watchdog that is fed come what may restarts nothing, and one that starves
for what no restart mends restarts for ever.
"""

from tests import statuses
from ticketpool.core.status import Blame
from ticketpool.supervisor.telling import LEAST_SECONDS, Telling, line_of
from ticketpool.systemd import Notifier

BLAME = Blame(kind="dead-letter", offset=7, since_seconds=9, reason="no such topic", remedy="")


class Systemd(Notifier):
    """A notifier whose words are kept."""

    def __init__(self, address: str | None = "/run/notify") -> None:
        super().__init__(address, watchdog_seconds=2.0)
        self.heard: list[str] = []

    def notify(self, message: str) -> bool:
        self.heard.append(message)
        return True


def test_the_watchdog_starves_when_a_restart_would_help() -> None:
    systemd = Systemd()
    telling = Telling(systemd)
    telling.tend(0.0, None)  # it starts
    telling.tend(1.0, statuses.service(statuses.partition(state="blocked", blame=BLAME)))
    assert systemd.heard.count("WATCHDOG=1") == 2
    telling.tend(2.0, statuses.service(problems=["it hangs"]))
    telling.tend(60.0, statuses.service(problems=["it hangs"]))
    assert systemd.heard.count("WATCHDOG=1") == 2
    assert any("UNHEALTHY: it hangs" in one for one in systemd.heard)
    telling.tend(61.0, statuses.service())
    assert systemd.heard.count("WATCHDOG=1") == 3


def lines(systemd: Systemd) -> list[str]:
    return [one.removeprefix("STATUS=") for one in systemd.heard if one.startswith("STATUS=")]


def test_the_line_comes_now_and_then_and_soon_when_the_state_changes() -> None:
    systemd = Systemd()
    telling = Telling(systemd)
    well, ill = statuses.service(), statuses.service(statuses.partition(state="stall"))
    telling.tend(0.0, well)
    for tenth in range(1, 100):
        telling.tend(tenth / 10, well)
    assert lines(systemd) == ["ready: 1 partitions on 1 workers, lag 42; all ok"]
    telling.tend(10.0, well)
    telling.tend(10.5, ill)
    assert len(lines(systemd)) == 2
    telling.tend(10.0 + LEAST_SECONDS, ill)
    assert lines(systemd)[2].endswith("; tickets[0] stall")


def test_without_systemd_nothing_is_said() -> None:
    systemd = Systemd(address=None)
    Telling(systemd).tend(0.0, statuses.service())
    assert lines(systemd) == []


def test_the_worst_is_named_with_its_record() -> None:
    bad = [
        statuses.partition(partition=1, state="warn", state_seconds=99.0),
        statuses.partition(partition=2, state="blocked", state_seconds=1.0),
        statuses.partition(partition=3, state="blocked", state_seconds=5.0, blame=BLAME),
    ]
    assert line_of(statuses.service(*bad)) == (
        "ready: 3 partitions on 1 workers, lag 126; tickets[3] offset 7 blocked: no such topic"
    )


def test_a_lag_of_which_a_part_is_not_known_is_not_told() -> None:
    some = [statuses.partition(), statuses.partition(partition=1, lag=None)]
    assert ", lag not known yet; " in line_of(statuses.service(*some))


def test_a_pause_hides_nothing_that_is_nobody_s_wish() -> None:
    paused = statuses.partition(state="stop", state_seconds=99.0, held=True)
    late = statuses.partition(partition=1, state="stall", state_seconds=5.0)
    assert line_of(statuses.service(paused, late)).endswith("; tickets[1] stall")
    assert line_of(statuses.service(paused)).endswith("; tickets[0] stop")
