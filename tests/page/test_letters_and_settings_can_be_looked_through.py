"""Dead letters and configuration can be read on the page, whatever is in them.

In doubt because a payload is whatever somebody has sent.
"""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.page.conftest import OpenPage, Service
from tests.page.states import HOSTILE, letter
from tests.statuses import partition, service
from ticketpool.config import KafkaConfig, RunConfig
from ticketpool.config.shown import shown
from ticketpool.core.letter import Letter, LettersQuery
from ticketpool.core.model import Partition

Serve = Callable[..., Service]
PLACE = Partition("tickets.dlq", 0)


class Topic:
    """Letters 0 to 44 of one partition. ``asked``: the queries."""

    def __init__(self) -> None:
        self.asked: list[LettersQuery] = []

    def read(self, query: LettersQuery) -> list[Letter]:
        self.asked.append(query)
        end = query.before.get(PLACE, 45)
        return [letter(offset) for offset in range(max(0, end - query.limit), end)][::-1]


def test_the_newest_come_first_and_older_ones_when_asked_for(
    serve: Serve, open_page: OpenPage, tolerated: list[str]
) -> None:
    topic = Topic()
    served = serve(service(), letters=topic.read, letter_topics=("tickets.dlq",))
    page = open_page(served.port, "letters")
    letters = page.locator("details.letter")
    expect(letters).to_have_count(20)
    expect(letters.first).to_contain_text("tickets[3] 1,044")
    expect(letters.first).to_contain_text("not served here")
    for shown_now in (40, 45):
        page.get_by_role("button", name="Older letters").click()
        expect(letters).to_have_count(shown_now)
    expect(page.get_by_role("button", name="Older letters")).to_be_hidden()
    assert [one.before.get(PLACE) for one in topic.asked] == [None, 25, 5]
    page.locator("#letters-partition").fill("7")
    page.locator("#letters-partition").press("Enter")
    expect(letters).to_have_count(20)
    assert topic.asked[-1] == LettersQuery(topics=("tickets.dlq",), partition=7)
    page.locator("#letters-partition").fill("seven")
    tolerated.append("400 (Bad Request)")
    page.locator("#letters-partition").press("Enter")
    expect(page.locator("#letters-told")).to_contain_text("not a number")


def test_a_payload_is_shown_as_what_it_is_and_never_as_markup(
    serve: Serve, open_page: OpenPage
) -> None:
    found = [
        letter(3, b'{"a":{"b":1}}'),
        letter(2, bytes(range(40))),
        letter(1, HOSTILE.encode(), message=HOSTILE, key=HOSTILE.encode(),
               headers=((HOSTILE, HOSTILE.encode()),)),
        letter(0, None, key=None, headers=(), origin_topic=None, error=""),
    ]  # fmt: skip
    page = open_page(
        serve(service(), letters=lambda _: found, letter_topics=("tickets.dlq",)).port, "letters"
    )
    letters = page.locator("details.letter")
    for number in range(4):
        letters.nth(number).locator("summary").click()
    expect(letters.nth(0).locator("pre")).to_have_text('{\n  "a": {\n    "b": 1\n  }\n}')
    expect(letters.nth(1).locator("pre")).to_contain_text("000010  10 11 12")
    expect(letters.nth(2).locator("pre")).to_have_text(HOSTILE)
    expect(letters.nth(2).locator("table")).to_contain_text(HOSTILE)
    expect(letters.nth(3)).to_contain_text("tombstone")
    expect(letters.nth(3)).to_contain_text("of unknown origin")
    assert page.locator("img").count() == 0


def test_new_letters_are_announced_and_read_when_asked_for(
    serve: Serve, open_page: OpenPage
) -> None:
    topic = Topic()
    served = serve(
        service(partition(dead_lettered=2)), letters=topic.read, letter_topics=("tickets.dlq",)
    )
    page = open_page(served.port, "letters")
    expect(page.locator("#letter-count")).to_have_text("2")
    expect(page.locator("#letters-newest")).to_have_text("Newest")
    served.status = service(partition(dead_lettered=5))
    expect(page.locator("#letters-newest")).to_have_text("Newest (3 more)")
    assert len(topic.asked) == 1
    page.locator("#letters-newest").click()
    expect(page.locator("#letters-newest")).to_have_text("Newest")
    assert len(topic.asked) == 2


def test_settings_are_shown_without_secrets(serve: Serve, open_page: OpenPage) -> None:
    kafka = KafkaConfig(properties={"sasl.password": "hunter2", "client.rack": "r1"})
    settings = shown(RunConfig(kafka=kafka, retries=9))
    page = open_page(serve(service(), settings=settings).port)
    page.get_by_role("link", name="Configuration").click()
    expect(page.locator("#settings-list .given")).to_contain_text(
        ["--retries9", "-X client.rackr1", "-X sasl.password***"]
    )
    assert "hunter2" not in page.content()
