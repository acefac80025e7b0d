"""A headless Chromium for tests of the page, and for its pictures."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, expect, sync_playwright

REMEDY = "apt-get install chromium-headless-shell"
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def find() -> str | None:
    """Its program on this machine. ``TICKETPOOL_TEST_CHROMIUM`` names another."""
    named = os.environ.get("TICKETPOOL_TEST_CHROMIUM")
    return named or next(filter(None, map(shutil.which, _NAMES)), None)


@contextmanager
def chromium(program: str) -> Iterator[Browser]:
    """A browser for as long as this lasts. Until then this thread has a running event loop,
    which is Playwright's: no ``asyncio.run`` meanwhile."""
    sandbox = [] if os.geteuid() else ["--no-sandbox"]  # root's processes get none
    expect.set_options(timeout=20_000)  # a busy machine
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=sandbox)
        try:
            yield browser
        finally:
            browser.close()
