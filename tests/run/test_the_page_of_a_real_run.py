"""A browser at the listener of ``ticketpool run`` sees the run as it is.

In doubt because all else about the page is tested with statuses made by hand.
"""

from collections.abc import Callable
from signal import SIGKILL, SIGTERM

import psutil
import pytest
from playwright.sync_api import Page, expect

from tests import chromium
from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.listener import Listener
from tests.run.topics import tickets, write
from tests.support import eventually, missing

pytestmark = pytest.mark.e2e


def test_a_run_is_seen_from_its_start_to_its_end(
    kafka: Broker, make_topic: Callable[..., str], run: Run, listener: Listener
) -> None:
    topic = make_topic(2)
    kafka.create_topic(f"{topic}.dlq", 1)
    write(kafka, topic, tickets(0, ["", "reject torn", "reject <b>bold</b>", ""]))
    service = run("obey", topic, "--workers", "2", "--http", listener.address)
    eventually(lambda: listener.get("/readyz").status_code == 200, seconds=30)
    program = chromium.find()
    if program is None:
        missing("a headless Chromium", chromium.REMEDY)
    with chromium.chromium(program) as browser:
        page = browser.new_page()
        page.set_default_timeout(20_000)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"http://{listener.address}/")
        figures_follow(page, kafka, topic)
        a_crash_is_seen(page, listener)
        letters_are_read(page, topic)
        service.signal(SIGTERM)
        expect(page.locator("#alarms")).to_contain_text("Connection lost since")
        assert complaints == []
    service.expect(0)


def figures_follow(page: Page, kafka: Broker, topic: str) -> None:
    row = page.locator("#partitions tbody").filter(has_text=f"{topic}[0]")
    expect(row.locator("[data-label='dead']")).to_have_text("2")
    expect(row.locator("[data-label='lag']")).to_have_text("0")
    row.locator(".name").click()
    processed = row.locator(".details div").filter(has_text="processed").locator("dd")
    expect(processed).to_have_text("2")
    write(kafka, topic, tickets(0, [""] * 5))
    expect(processed).to_have_text("7")


def a_crash_is_seen(page: Page, listener: Listener) -> None:
    old = listener.pids()[1]
    worker = page.locator("#workers tr").nth(1)
    expect(worker).to_contain_text(str(old))
    psutil.Process(old).send_signal(SIGKILL)
    expect(worker).not_to_contain_text(str(old))
    expect(worker.locator(".chip")).to_have_text("ready")
    expect(page.locator("#figures div").filter(has_text="restarts").locator("dd")).to_have_text("1")


def letters_are_read(page: Page, topic: str) -> None:
    page.get_by_role("link", name="Dead letters").click()
    letters = page.locator("details.letter")
    expect(letters).to_have_count(2)
    expect(letters.first).to_contain_text(f"{topic}[0] 2")
    expect(letters.first).to_contain_text("<b>bold</b>")
    letters.first.locator("summary").click()
    expect(letters.first.locator("pre")).to_contain_text('"data": "reject <b>bold</b>"')
