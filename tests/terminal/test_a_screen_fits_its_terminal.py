"""A screen of ``top`` has as many lines as the terminal, none too wide, and shows the worst first.

In doubt because a line too many scrolls the screen, and because there may be five hundred
partitions, names in any script, and nothing at all.
"""

import msgspec
import pytest
from rich.cells import cell_len

from tests.terminal import worlds
from ticketpool.core.status import Event, ServiceStatus
from ticketpool.terminal.answers import BROKER, Answer, View
from ticketpool.terminal.choices import PANES, Choices, cursor_of
from ticketpool.terminal.scene import Scene
from ticketpool.terminal.table import window

LOST = Answer(source="127.0.0.1:2", trouble="can't be reached: connection refused", reached=False)
LONG = "a-very-long-name-of-a-topic-that-somebody-thought-of-" * 3


def view(*statuses: ServiceStatus) -> View:
    return View(
        tuple(Answer(source=f"127.0.0.1:{9464 + n}", status=s) for n, s in enumerate(statuses))
    )


VIEWS = {
    "ill": view(worlds.ill()),
    "512 partitions": view(worlds.ill(512)),
    "two": view(worlds.ill(), worlds.well(64, group="other")),
    "idle": view(worlds.pool(partitions=[], history=[], events=[], workers=[])),
    "nobody": View((LOST,)),
    "many lost": View(tuple(LOST for _ in range(9))),
    "long names": view(worlds.pool(worlds.blocked(topic=LONG), group=LONG, handler=LONG)),
    "wide names": view(worlds.pool(worlds.blocked(topic="票務" * 30), group="票務" * 30)),
    "broker": View((Answer(source=BROKER, status=worlds.ill()),)),
}
SIZES = [(80, 24), (120, 40), (40, 10), (200, 60), (20, 5), (1, 1)]


def screen(seen: View, width: int = 80, height: int = 24, **choices: object) -> list[str]:
    return [line.plain for line in Scene(seen, Choices(**choices), width, height).lines]  # type: ignore[arg-type]


@pytest.mark.parametrize("seen", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("pane", [*PANES.values(), ""])
def test_it_has_the_size(seen: View, size: tuple[int, int], pane: str) -> None:
    lines = screen(seen, *size, pane=pane)
    assert len(lines) == size[1]
    assert max(map(cell_len, lines)) <= size[0]


def test_in_80_by_24_the_worst_is_told_with_record_cause_and_remedy() -> None:
    lines = screen(VIEWS["512 partitions"])
    text = "\n".join(lines)
    assert "512 partitions: 1 blocked, 1 stall, 1 warn, 509 ok" in lines[1]
    assert lines[4].startswith("tickets[3]") and "✗ blocked" in lines[4]
    assert lines[5].startswith("tickets[5]") and lines[6].startswith("tickets[1]")
    assert f"offset 107 for 12 s: {worlds.BLOCKED.reason}" in text
    assert f"→ {worlds.BLOCKED.remedy}" in text
    assert "below" in text
    assert "rate 6," in lines[2] and "▄▅▆▇█" in lines[2]


def test_figures_of_the_chosen_one_stand_below() -> None:
    chosen = cursor_of(VIEWS["ill"].rows()[5])
    text = "\n".join(screen(VIEWS["ill"], cursor=chosen))
    assert "── tickets[5] stall" in text
    assert "running 4,711 for 95 s" in text
    assert "handler  p50   0.2 ms  p99  13.4 ms        0 ▇█▁▁▁ 1 s" in text


def test_its_events_are_its_own_the_newest_first() -> None:
    chosen = cursor_of(VIEWS["ill"].rows()[3])
    lines = screen(VIEWS["ill"], 120, 40, cursor=chosen)
    found = [line for line in lines if "  offset 10" in line]
    assert ["not written" in line for line in found] == [True, False]
    assert not any("SIGKILL" in line or "topic tickets" in line for line in lines)


def test_the_chosen_row_is_reversed_and_seen() -> None:
    rows = VIEWS["512 partitions"].rows()
    scene = Scene(VIEWS["512 partitions"], Choices(cursor=cursor_of(rows[300])), 80, 24)
    (chosen,) = [line for line in scene.lines if line.style == "reverse"]
    assert chosen.plain.startswith("tickets[300]")
    assert chosen.cell_len == 80


@pytest.mark.parametrize(
    ("count", "at", "height", "seen"),
    [(3, 0, 5, (0, 3)), (9, 0, 4, (0, 4)), (9, 4, 4, (2, 6)), (9, 8, 4, (5, 9)), (0, 0, 4, (0, 0))],
)
def test_the_window_holds_the_chosen_row(
    count: int, at: int, height: int, seen: tuple[int, int]
) -> None:
    assert window(count, at, height) == range(*seen)


def test_workers_are_told_with_what_they_take() -> None:
    answer = Answer(source="a:1", status=worlds.well(), cpu={4712: 0.37})
    lines = screen(View((answer,)), pane="workers")
    (line,) = [line for line in lines if " 4712 " in line]
    assert line.split()[:8] == ["1", "4712", "ready", "2", "37%", "31", "MB", "10"]


def test_events_are_told_the_newest_first() -> None:
    text = "\n".join(screen(VIEWS["ill"], pane="events"))
    assert text.index("worker exited") < text.index("dead letter not written")
    assert "signal SIGKILL" in text


def test_who_is_lost_is_named_and_the_rest_counted() -> None:
    assert any(
        "127.0.0.1:2 can't be reached: connection refused" in line
        for line in screen(VIEWS["nobody"])
    )
    assert any("and 7 more" in line for line in screen(VIEWS["many lost"]))


def test_figures_of_a_lost_one_are_called_old() -> None:
    lost = Answer(source="a:1", status=worlds.ill(), trouble="has not answered", reached=False)
    text = "\n".join(screen(View((lost,))))
    assert "8 unknown" in text
    assert "these figures are old" in text


def test_what_is_chosen_is_told_in_the_last_line() -> None:
    last = screen(VIEWS["ill"], filter="blo", sort="lag", backwards=True, ill_only=True)[-1]
    assert last.startswith("filter: blo  not ok only  by lag, reversed  ")
    assert "filter: bl " in screen(VIEWS["ill"], filter="bl", typing=True)[-1]
    assert any("no partition fits" in line for line in screen(VIEWS["ill"], filter="xyz"))


def test_by_the_broker_only_what_it_knows_is_shown() -> None:
    lines = screen(VIEWS["broker"], 100, 24)
    assert lines[3].split() == [
        "partition", "state▼", "for", "lag", "rate/s", "committed", "log", "end", "member",
    ]  # fmt: skip
    assert not any("running" in line for line in lines)


def test_nothing_from_outside_is_obeyed_by_the_terminal() -> None:
    evil = "\x1b[2J\x1b]0;x\x07\n\u202e"
    blame = worlds.BLOCKED.__class__(
        kind="running", offset=1, since_seconds=1.0, reason=evil, remedy=evil
    )
    event = Event(at=worlds.AT, level=evil, name=evil, fields={evil: evil, "topic": evil})
    status = worlds.pool(
        worlds.blocked(topic=evil, state=evil, blame=blame),
        group=evil, handler=evil, state=evil, problems=[evil], events=[event],
        workers=[worlds.well().workers[0].__class__(
            slot=0, pid=1, state=evil, restarts=1, partitions=0, last_end=evil,
            restarts_by_reason={evil: 1},
        )],
    )  # fmt: skip
    for pane in PANES.values():
        for line in screen(view(status), 200, 60, pane=pane):
            assert line.isprintable(), ascii(line)


def test_a_style_ends_where_its_words_end() -> None:
    """A ``Text``'s own style is that of all its line: only rows and notes have one."""
    for pane in PANES.values():
        for line in Scene(VIEWS["ill"], Choices(pane=pane, frozen=True), 120, 40).lines:
            assert line.style in ("", "reverse", "dim") or len(line.spans) == 0, line.markup
    title = Scene(VIEWS["ill"], Choices(), 80, 24).lines[0]
    assert not any("reverse" in str(span.style) for span in title.spans)


def test_a_long_reason_is_told_to_its_end() -> None:
    reason = " ".join(f"word{n}" for n in range(30))
    blame = msgspec.structs.replace(worlds.BLOCKED, reason=reason)
    text = "\n".join(screen(view(worlds.pool(worlds.blocked(blame=blame)))))
    assert "word0" in text and "word29" in text
    assert worlds.BLOCKED.remedy in text
