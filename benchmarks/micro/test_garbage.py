"""What the cyclic garbage collector adds to each message that is made, held and dropped."""

import contextlib
from collections import deque
from contextlib import AbstractContextManager

import pytest
from confluent_kafka import Message

from benchmarks.micro.steps import Measure, per
from ticketpool.supervisor.garbage import rare_collections

POLLED = 2000
ROUNDS = 50  # in one, so that each time holds its share of the rare full collections


@per(POLLED * ROUNDS)
@pytest.mark.parametrize("setting", [contextlib.nullcontext, rare_collections])
@pytest.mark.parametrize("held", [0, 20_000])
def test_collections(
    measure: Measure, setting: type[AbstractContextManager[None]], held: int
) -> None:
    def batch() -> list[Message]:
        return [Message("tickets", 0, n) for n in range(POLLED)]

    buffer = deque(batch() for _ in range(held // POLLED))

    def step() -> int:
        for _ in range(ROUNDS):
            buffer.append(batch())
            buffer.popleft()
        return len(buffer)

    with setting():
        assert measure(step, rounds=10) == held // POLLED
