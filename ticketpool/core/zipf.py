"""Keys as they are in life: few are busy, most are rare (Zipf's law, exponent 1).

The numbers of a run go through a deck of key numbers again and again: ticket n
has the key ``deck[n mod len(deck)]``. Key k is in it K / (k + 1) times, K the
number of keys, and at least once. So the key of a ticket is still arithmetic:
each process knows its own tickets without a word to the others, a key is always
written by one process, and a run can be repeated.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from functools import cache

from ticketpool.core.mix import mixed
from ticketpool.core.schedule import Share


@cache
def deck_of(keys: int) -> "array[int]":
    """The key numbers of ``keys`` keys in the order of one turn, shuffled, always the same.

    >>> sorted(deck_of(4))
    [0, 0, 0, 0, 1, 1, 2, 3]
    """
    sorted_deck = [key for key in range(keys) for _ in range(max(1, round(keys / (key + 1))))]
    return array("l", [sorted_deck[i] for i in sorted(range(len(sorted_deck)), key=mixed)])


class ZipfShare:
    """The tickets of one process, as ``ticketpool.core.schedule.Share`` tells them.

    Attributes:
        own_keys: the key numbers of this process's tickets of one turn, in their order.
    """

    def __init__(self, keys: int, workers: int, slot: int) -> None:
        deck = deck_of(keys)
        self._period = len(deck)
        self._places = array("l", [i for i, key in enumerate(deck) if key % workers == slot])
        self.own_keys = [deck[place] for place in self._places]

    def number(self, i: int) -> int:
        """The n of the i-th ticket of this share."""
        turn, index = divmod(i, len(self._places))
        return turn * self._period + self._places[index]

    def rank(self, n: int) -> int:
        """How many tickets of this share have a number below n."""
        turn, place = divmod(n, self._period)
        return turn * len(self._places) + bisect_left(self._places, place)

    def reach(self, i: int) -> int:
        """The least N such that the first i tickets of this share are all below it."""
        return self.number(i - 1) + 1 if i else 0

    def spans(self, start: int, end: int) -> Iterator[tuple[list[int], int]]:
        """The numbers of tickets i = start … end - 1, a list for each turn.

        Yields pairs of (numbers, index in ``own_keys`` of the first one's key);
        the keys of the numbers that follow are the following ones.
        """
        while start < end:
            turn, index = divmod(start, len(self._places))
            size = min(len(self._places) - index, end - start)
            first = turn * self._period
            yield [first + place for place in self._places[index : index + size]], index
            start += size


def share_of(distribution: str, keys: int, workers: int, slot: int) -> Share | ZipfShare:
    """The share of a process under ``--key-distribution`` uniform or zipf."""
    if distribution == "zipf":
        return ZipfShare(keys, workers, slot)
    return Share(keys, workers, slot)
