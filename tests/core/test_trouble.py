"""What is held against a record outlives its process, in 4 kB beside the committed offset.

In doubt because anybody may commit anything there, and a record must not be
blamed for what other records did.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketpool.core.trouble import Trouble, in_words, memo_of, trouble_of

BROKERS_LIMIT = 4096
offsets = st.integers(0, 2**63 - 1)
counts = st.integers(0, 2**31 - 1)

Told = tuple[int, int, int, bool, bool]


def told(trouble: Trouble | None) -> Told | None:
    if trouble is None:
        return None
    return trouble.offset, trouble.attempts, trouble.crashes, trouble.alone, trouble.suspect


@given(offsets, counts, counts, st.booleans())
def test_a_memo_tells_what_was_held_against_the_record(
    offset: int, tries: int, died: int, alone: bool
) -> None:
    memo = memo_of(Trouble(offset, tries, died, alone=alone))
    expected = (offset, tries, died, alone, died > 0) if tries or died else None
    assert told(trouble_of(memo)) == expected


@given(*[st.integers()] * 4, st.booleans())
def test_a_memo_always_fits(offset: int, tries: int, died: int, begun: int, alone: bool) -> None:
    trouble = Trouble(offset, tries, died, alone=alone)
    assert len(memo_of(trouble)) < BROKERS_LIMIT
    assert len(memo_of(trouble, begun=begun, alone=alone)) < BROKERS_LIMIT


@pytest.mark.parametrize("trouble", [None, Trouble(5)])
def test_nothing_to_tell_is_an_empty_memo(trouble: Trouble | None) -> None:
    assert memo_of(trouble) == ""


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        (None, (7, 0, 1, False, True)),
        (Trouble(7, 2, 1), (7, 2, 2, False, True)),
        (Trouble(7, 2, 1, alone=True), (7, 2, 2, False, True)),  # the last death counts
        (Trouble(5, 2, 1), (7, 0, 1, False, True)),  # of another record
    ],
)
def test_a_record_that_is_begun_is_charged_in_advance(
    trouble: Trouble | None, expected: Told
) -> None:
    assert told(trouble_of(memo_of(trouble, begun=7))) == expected


@given(st.none() | st.builds(Trouble, offsets, counts, counts), offsets)
def test_a_charge_in_advance_is_what_a_death_makes_of_it(held: Trouble | None, at: int) -> None:
    announced = trouble_of(memo_of(held, begun=at, alone=True))
    died = held if held is not None and held.offset == at else Trouble(at)
    if died.crashes < 2**31 - 1:
        died.died(alone=True)
        assert told(announced) == told(died)


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        "",
        "somebody else's",
        "{}",
        "5",
        '{"ticketpool":"5"}',
        '{"ticketpool":null}',
        '{"ticketpool":-1,"crashes":3}',
        '{"ticketpool":5,"crashes":"many"}',
        '{"ticketpool":5,"crashes":-3}',
        '{"ticketpool":5,"attempts":2147483648}',
        '{"ticketpool":5,"crashes":1' + "0" * 4000 + "}",
        '{"ticketpool":9223372036854775808,"crashes":3}',
        '{"ticketpool":5,"crashes":3,"alone":1}',
        '{"ticketpool":5,"crashes":3',
        "[" * 100_000,
        "\ud800",
    ],
)
def test_what_others_wrote_there_is_not_ours(metadata: str | None) -> None:
    assert trouble_of(metadata) is None


@given(st.text())
def test_any_metadata_is_read_without_an_error(metadata: str) -> None:
    trouble_of(metadata)


def test_what_a_later_version_adds_is_passed_over() -> None:
    assert told(trouble_of('{"ticketpool":5,"crashes":1,"more":[]}')) == (5, 0, 1, False, True)


@pytest.mark.parametrize(
    ("memo", "words"),
    [
        (None, ""),
        ("", ""),
        (memo_of(Trouble(7, 1)), "offset 7: 1 failed call"),
        (
            memo_of(Trouble(7, 3, 1)),
            "offset 7: 3 failed calls and 1 death (one may be told in advance)",
        ),
        (
            memo_of(Trouble(7, 0, 2, alone=True)),
            "offset 7: 2 deaths (one may be told in advance, nothing else ran)",
        ),
        ('{"ticketpool":7}', "offset 7: nothing is held against it"),
        ('{"ticketpool":0,"parked":"k1"}', "keys are parked (--park-keys)"),
        (
            '{"ticketpool":7,"attempts":1,"parked":"k1"}',
            "offset 7: 1 failed call; keys are parked (--park-keys)",
        ),
        ("of another program", "no memo of run: 'of another program'"),
        ("x" * 41, f"no memo of run: '{'x' * 40}…'"),
    ],
)
def test_a_memo_is_told_to_people(memo: str | None, words: str) -> None:
    assert in_words(memo) == words
