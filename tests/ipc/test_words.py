"""What a process stored last is readable by another, also after SIGKILL."""

import os
from pathlib import Path

import pytest

from tests.ipc.children import Order, child
from tests.support import eventually
from ticketpool.ipc.words import Words


def test_words_begin_as_zeros_and_hold_64_bits() -> None:
    words = Words.create(4)
    assert list(words.cells) == [0, 0, 0, 0]
    words.cells[1], words.cells[2] = 2**63 - 1, -(2**63)
    assert list(words.cells) == [0, 2**63 - 1, -(2**63), 0]
    words.close()
    words.close()


def test_two_mappings_show_the_same_words() -> None:
    ours = Words.create(2)
    theirs = Words(os.dup(ours.fd), 2)
    theirs.cells[0] = 42
    theirs.close()
    assert ours.cells[0] == 42
    ours.close()


def test_what_a_killed_child_stored_stays_readable() -> None:
    with child() as one:
        one.channel.send(Order("store", 2**62))
        eventually(lambda: one.words.cells[3] == 2**62)
        one.kill()
        assert one.wait(5) == -9
        assert list(one.words.cells[:5]) == [0, 0, 0, 2**62, 0]


def test_words_that_cannot_be_mapped_leave_no_descriptor() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(OSError):  # ENOMEM or EFBIG, as the kernel likes
        Words.create(1 << 59)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
