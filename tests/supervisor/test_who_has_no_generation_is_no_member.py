"""A supervisor that was expelled and has not heard of it yet commits nothing in a transaction.

In doubt because the broker believes offsets that name no generation, whoever owns the partition.
"""

import sys

import pytest

from ticketpool.kafka.listener import member_of


@pytest.mark.parametrize(("generation", "member"), [(-1, False), (0, True), (7, True)])
def test_a_member_has_a_generation(generation: int, member: bool) -> None:
    metadata = b"CGMDv2:" + generation.to_bytes(4, sys.byteorder, signed=True) + b"group"
    assert member_of(metadata) == (metadata if member else None)
    assert member_of(b"something else, of a later version") is None
