"""axe-core finds nothing to mend, in light and dark, on a desk and on a phone.

In doubt because contrast, names and roles are lost by the smallest change of a colour or a tag.
"""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.page.conftest import OpenPage, Service
from tests.page.states import letter, troubled
from ticketpool.config import RunConfig
from ticketpool.config.shown import shown

DESK, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}


def violations(page: Page) -> list[str]:
    """What axe has to say, one line for each rule and its elements."""
    page.wait_for_timeout(50)  # fonts and layout; nothing is judged by it
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {[node['html'][:120] for node in one['nodes']][:3]}" for one in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_nothing_is_in_anybodys_way(
    serve: Callable[..., Service], open_page: OpenPage, scheme: str, size: dict[str, int],
    tolerated: list[str],
) -> None:  # fmt: skip
    found = [letter(2), letter(1, bytes(40)), letter(0, None)]
    served = serve(
        troubled(), settings=shown(RunConfig()), letters=lambda _: found,
        letter_topics=("tickets.dlq", "refunds.dlq"),
    )  # fmt: skip
    context: dict[str, Any] = {"color_scheme": scheme, "viewport": size}
    page = open_page(served.port, **context)
    page.locator(".name").first.click()
    expect(page.locator("#events li")).to_have_count(2)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("link", name="Dead letters").click()
    expect(page.locator("details.letter")).to_have_count(3)
    page.locator("details.letter summary").first.click()
    assert violations(page) == []
    page.get_by_role("link", name="Configuration").click()
    expect(page.locator("#settings-list dt").first).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("link", name="Board").click()
    tolerated.append("net::ERR_")
    served.stop()
    expect(page.locator("#alarms")).to_contain_text("Connection lost")
    assert violations(page) == []
