"""The page shows what the supervisor tells, as it happens, and says when it can't.

In doubt because it is watched when things go wrong, and nothing breaks when it is wrong.
"""

import time
from collections.abc import Callable
from typing import Any

import msgspec
from playwright.sync_api import Page, expect

from tests.page.conftest import OpenPage, Service
from tests.page.states import HOSTILE, STALL, crash, event, history, troubled
from tests.statuses import partition, service, worker
from ticketpool.core.status import Cluster, LatencyMs

Serve = Callable[..., Service]


def rows(page: Page) -> list[str]:
    """The partitions on the board, from top to bottom."""
    return page.locator("#partitions .name").all_inner_texts()


def row(page: Page, number: int) -> Any:
    return page.locator("#partitions tbody").filter(
        has=page.get_by_role("button", name=f"tickets[{number}]", exact=True)
    )


def cell(page: Page, number: int, label: str) -> Any:
    return row(page, number).locator(f"[data-label='{label}']")


def test_figures_appear_and_follow(serve: Serve, open_page: OpenPage) -> None:
    fast = LatencyMs(p50=0.25, p99=1500.0)
    served = serve(service(partition(lag=1234567, rate_per_s=8.25, latency_ms=fast)))
    page = open_page(served.port)
    expect(page.locator("#state")).to_have_text("ready")
    expect(page.locator("#live")).to_have_text("live")
    expect(cell(page, 0, "lag")).to_have_text("1,234,567")
    expect(cell(page, 0, "per s")).to_have_text("8.3")
    expect(cell(page, 0, "p50")).to_have_text("250 µs")
    expect(cell(page, 0, "p99")).to_have_text("1.5 s")
    expect(cell(page, 0, "running")).to_have_text("100 for 1.5 s")
    assert page.title() == "ticket-processor-group: ready · ticketpool"
    served.status = service(partition(lag=8, rate_per_s=0.0), history=history(), state="draining")
    expect(cell(page, 0, "lag")).to_have_text("8")
    expect(page.locator(".chart .big").first).to_have_text("1,059/s")
    expect(page.locator("#state")).to_have_text("draining")
    assert page.locator(".chart path.line").first.get_attribute("d")


def test_trouble_stands_on_top_with_its_reason_and_its_remedy(
    serve: Serve, open_page: OpenPage
) -> None:
    served = serve(troubled())
    page = open_page(served.port)
    expect(row(page, 3)).to_contain_text(STALL.reason)
    expect(row(page, 3).locator("code")).to_have_text("ticketpool trace --partition 3")
    expect(row(page, 3).locator(".chip")).to_have_text("stall 2 min 10 s")
    expect(row(page, 1).locator(".chip")).to_contain_text("paused")
    assert rows(page) == ["tickets[3]", "tickets[1]", "tickets[2]", "tickets[0]"]
    expect(page.locator("#partitions-told")).to_have_text("3 of 4 in trouble")
    expect(page.locator("#alarms")).to_contain_text("no progress for 130 s")
    served.status = service(*(partition(partition=n) for n in range(4)))
    expect(page.locator("#partitions-told")).to_have_text("4, all well")
    expect(page.locator("#alarms p")).to_have_count(0)
    assert rows(page) == [f"tickets[{n}]" for n in range(4)]
    expect(page.locator("#partitions .why")).to_have_count(0)


def test_a_crash_is_an_event_and_a_worker_that_is_gone(serve: Serve, open_page: OpenPage) -> None:
    quiet = service(workers=[worker(cpu_seconds=1.0, rss_bytes=50 << 20)], version="1")
    served = serve(quiet)
    page = open_page(served.port)
    expect(page.locator("#workers tr")).to_contain_text(["50 MiB"])
    expect(page.locator("#events")).to_have_text("Nothing yet.")
    dead = worker(pid=None, state="dead", restarts=3, last_end="SIGKILL (?)",
                  restarts_by_reason={"killed": 3})  # fmt: skip
    served.status = msgspec.structs.replace(quiet, workers=[dead], events=[crash()])
    expect(page.locator("#workers .chip")).to_have_text("dead")
    expect(page.locator("#workers tr")).to_contain_text(["3 killedSIGKILL (?)"])
    expect(page.locator("#events li.error")).to_contain_text("worker exited")
    expect(page.locator("#workers-told")).to_have_text("0 of 1 ready")


def test_a_revoked_partition_leaves_the_board(serve: Serve, open_page: OpenPage) -> None:
    served = serve(service(partition(), partition(partition=1)))
    page = open_page(served.port)
    expect(page.locator("#partitions tbody")).to_have_count(2)
    served.status = service(partition(partition=1))
    expect(page.locator("#partitions tbody")).to_have_count(1)
    served.status = service(partitions=[])
    expect(page.locator("#partitions-none")).to_contain_text("No partition is assigned")


def test_only_what_changes_is_touched(serve: Serve, open_page: OpenPage) -> None:
    served = serve(service(*(partition(partition=n) for n in range(20))))
    page = open_page(served.port)
    expect(page.locator("#partitions tbody")).to_have_count(20)
    page.evaluate(
        """() => { window.touched = new Set(); new MutationObserver((all) => {
          for (const one of all) window.touched.add(
            (one.target.closest ?? one.target.parentNode.closest).call(
              one.target.closest ? one.target : one.target.parentNode, "tbody")?.textContent);
        }).observe(document.getElementById("partitions"),
          {childList: true, characterData: true, subtree: true, attributes: true}); }"""
    )
    served.status = service(
        *(partition(partition=n, lag=9 if n == 7 else 42) for n in range(20)), uptime_seconds=99.0
    )
    expect(cell(page, 7, "lag")).to_have_text("9")
    touched = page.evaluate("[...window.touched]")
    assert len(touched) == 1
    assert "tickets[7]" in touched[0]


def test_details_open_and_stay_open(serve: Serve, open_page: OpenPage) -> None:
    served = serve(service(partition(committed=4321)))
    page = open_page(served.port)
    name = page.get_by_role("button", name="tickets[0]")
    name.click()
    expect(row(page, 0).locator(".details")).to_contain_text("4,321")
    served.status = service(partition(committed=4400))
    expect(row(page, 0).locator(".details")).to_contain_text("4,400")
    assert name.get_attribute("aria-expanded") == "true"
    name.click()
    expect(row(page, 0).locator(".details")).to_have_count(0)


def test_512_partitions_are_found_not_scrolled_through(serve: Serve, open_page: OpenPage) -> None:
    many = [partition(partition=n, worker=n % 8) for n in range(512)]
    many[500] = partition(partition=500, state="stall", blame=STALL)
    page = open_page(serve(service(*many)).port)
    expect(page.locator("#partitions tbody")).to_have_count(64)
    assert rows(page)[0] == "tickets[500]"
    page.locator("#filter").fill("tickets[33")
    expect(page.locator("#partitions tbody")).to_have_count(11)  # 33 and 330 to 339
    page.locator("#filter").fill("nothing of the kind")
    expect(page.locator("#partitions-none")).to_have_text("No partition is so called.")
    page.locator("#filter").fill("stall")
    expect(page.locator("#partitions tbody")).to_have_count(1)
    page.locator("#filter").fill("")
    page.locator("#order").select_option("number")
    page.get_by_role("button", name="Show the other 448").click()
    expect(page.locator("#partitions tbody")).to_have_count(512)
    assert rows(page)[:2] == ["tickets[0]", "tickets[1]"]


def test_a_lost_connection_is_told_and_mended(
    serve: Serve, open_page: OpenPage, tolerated: list[str]
) -> None:
    served = serve(service(partition(lag=5)))
    page = open_page(served.port)
    expect(page.locator("#live")).to_have_text("live")
    tolerated.append("net::ERR_")  # the browser notes what it could not reach
    served.stop()
    expect(page.locator("#alarms")).to_contain_text("Connection lost since")
    expect(page.locator("#live")).to_have_text("not connected")
    expect(cell(page, 0, "lag")).to_have_text("5")
    served.status = service(partition(lag=6))
    served.start()
    expect(page.locator("#live")).to_have_text("live")
    expect(page.locator("#alarms p")).to_have_count(0)
    expect(cell(page, 0, "lag")).to_have_text("6")


def test_a_stuck_loop_and_a_cluster_that_is_away_are_told(
    serve: Serve, open_page: OpenPage
) -> None:
    stuck = service(made_at=time.monotonic() - 2e9, cluster=Cluster(reachable=False))
    page = open_page(serve(stuck).port)
    expect(page.locator("#alarms")).to_contain_text("loop has been stuck")
    expect(page.locator("#alarms")).to_contain_text("No broker has answered")
    assert page.title().startswith("⚠")


def test_hostile_names_stay_text(serve: Serve, open_page: OpenPage) -> None:
    blame = msgspec.structs.replace(STALL, reason=HOSTILE, remedy=HOSTILE)
    bad = service(
        partition(topic=HOSTILE, state="stall", blame=blame),
        group=HOSTILE, handler=HOSTILE, problems=[HOSTILE],
        workers=[worker(state=HOSTILE, last_end=HOSTILE)],
        events=[event(HOSTILE, "info", topic=HOSTILE, reason=HOSTILE)],
    )  # fmt: skip
    page = open_page(serve(bad).port)
    expect(page.locator("#events")).to_contain_text(HOSTILE)
    page.locator(".name").click()
    assert page.locator("img").count() == 0
    assert page.locator(".why .reason").inner_text() == HOSTILE
    assert "taken" not in page.title().replace(HOSTILE, "")


def test_without_a_script_there_is_the_table(serve: Serve, open_page: OpenPage) -> None:
    page = open_page(serve(troubled()).port, java_script_enabled=False)
    expect(page.locator("noscript table").first).to_contain_text("tickets[3]")
    expect(page.locator("#app")).to_be_hidden()
