"""Events survive the way through a log, and ranges lose no offset."""

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketpool.core import events
from ticketpool.core.events import ranges


@given(st.sets(st.integers(0, 60), min_size=1).map(sorted))
def test_ranges_hold_exactly_these_offsets_and_never_touch(offsets: list[int]) -> None:
    pairs = ranges(offsets)
    assert [n for first, last in pairs for n in range(first, last + 1)] == offsets
    assert all(pairs[i + 1][0] > pairs[i][1] + 1 for i in range(len(pairs) - 1))


def test_a_stretch_is_one_range() -> None:
    assert ranges([7, 8, 9]) == [(7, 9)]
    assert ranges([1, 2, 5, 9, 10]) == [(1, 2), (5, 5), (9, 10)]
    assert ranges([]) == []


@pytest.mark.parametrize("kind", get_args(events.Event), ids=lambda kind: kind.__name__)
def test_every_event_can_be_told_by_its_tag(kind: type) -> None:
    values = {"int": 3, "list": [(1, 2)]}
    lists, literal = ("offsets", "with_held"), {"role": "worker", "outcome": "ok", "by": "words"}
    fields = {
        field.name: literal.get(field.name, values["list" if field.name in lists else "int"])
        for field in msgspec.structs.fields(kind)
    }
    texts = {"topic", "group", "clock", "version", "supervisor", "reason", "error"}
    event = kind(**{name: "x" if name in texts else value for name, value in fields.items()})
    assert msgspec.json.decode(msgspec.json.encode(event), type=events.Event) == event
