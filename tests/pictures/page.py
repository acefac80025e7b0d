"""The page, photographed while a real pool works under load on a real broker.

One partition stalls, a worker has died, some tickets are dead letters. Takes two minutes.
``python -m tests.pictures page`` draws ``page-light.png`` and ``page-dark.png`` beside this file.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, ViewportSize

from tests import chromium
from tests.broker import launch
from tests.broker.settings import free_port
from tests.support import Command, eventually

_STALLED_SECONDS = 75.0
_SIZE: ViewportSize = {"width": 1280, "height": 800}


def main(folder: Path) -> None:
    """Write the pictures there."""
    program = chromium.find()
    if program is None:
        raise SystemExit(f"no headless Chromium: {chromium.REMEDY}")
    with _service() as address, chromium.chromium(program) as browser:
        for scheme in ("light", "dark"):
            with _opened(browser, address, scheme) as page:
                page.screenshot(path=folder / f"page-{scheme}.png", full_page=True)


@contextmanager
def _opened(browser: Browser, address: str, scheme: str) -> Iterator[Page]:
    dark = scheme == "dark"
    context = browser.new_context(viewport=_SIZE, color_scheme="dark" if dark else "light")
    with closing(context):
        page = context.new_page()
        page.goto(f"http://{address}/")
        page.wait_for_timeout(3500)  # two snapshots, from which CPU is told
        yield page


@contextmanager
def _service() -> Iterator[str]:
    """The address of a pool under load that has been in trouble for a while."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        shutil.copy(Path(__file__).with_name("shop.py"), folder)
        kafka = stack.enter_context(closing(launch()))
        kafka.create_topic("tickets", 8)
        kafka.create_topic("tickets.dlq", 1)
        address = f"127.0.0.1:{free_port()}"

        def start(*arguments: str) -> Command:
            given = (*arguments, "--bootstrap-servers", kafka.bootstrap)
            return stack.enter_context(closing(Command(*given, folder=folder)))

        start("produce", "--topic", "tickets", "--rate", "2500", "--keys", "400", "--workers", "1")
        start("run", "shop:handle", "--workers", "4", "--group", "shop", "--http", address)
        eventually(lambda: _stalled(address), seconds=120, every=0.5)
        yield address


def _stalled(address: str) -> bool:
    """Whether a record has been running for long, so that there is something to see."""
    status = httpx.get(f"http://{address}/api/status", trust_env=False).json()
    ages = [one["in_flight_age_seconds"] or 0.0 for one in status["partitions"]]
    return max(ages, default=0.0) > _STALLED_SECONDS
