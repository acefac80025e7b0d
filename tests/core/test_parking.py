"""A key keeps its order through failure, parking, replay and crashes.

In doubt because three logs and a memo play together: tickets and their replays in the topic,
letters in the dead-letter topic, what was replayed, and what was committed.
"""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ticketpool.core.letter import FIRST_OFFSET, FOLLOWS
from ticketpool.core.parking import MOST_KEYS, RELEASE, Fate, ParkedKeys, Parking
from ticketpool.core.trouble import Trouble, memo_of, parked_of

Headers = tuple[tuple[str, bytes | None], ...]
KEYS = (b"a", b"b")


def replay(first: int, follows: int | bytes | None = None) -> Headers:
    told = (
        ()
        if follows is None
        else ((FOLLOWS, b"%d" % follows if isinstance(follows, int) else follows),)
    )
    return ((FIRST_OFFSET, b"%d" % first), *told)


class Life(RuleBasedStateMachine):
    """One partition, its dead-letter topic, a supervisor with its lane, and ``dlq replay``.

    The lane runs ahead of the supervisor, which hears of what was done by and by; a letter
    is acknowledged later still. Whoever dies goes on from what is committed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.topic: list[tuple[bytes, Headers]] = []  # by offset
        self.letters: list[tuple[bytes, Headers]] = []  # as replay has to write them
        self.replayed = 0  # letters that are committed as replayed
        self.handled: list[tuple[bytes, int]] = []
        self.committed, self.memo = 0, ""
        self.start()

    def start(self) -> None:
        """A new supervisor, and lane."""
        self.truth = ParkedKeys(self.memo)
        self.lane = Parking(self.truth.current.waiting())
        self.next, self.settled = self.committed, self.committed
        self.unheard: list[tuple[int, Fate]] = []
        self.held: list[int] = []

    # -- the world ----------------------------------------------------------------------

    @rule(keys=st.lists(st.sampled_from(KEYS), min_size=1, max_size=4))
    def produce(self, keys: list[bytes]) -> None:
        self.topic += [(key, ()) for key in keys]

    @rule(count=st.sampled_from([1, 2, 3, 100]), remembered=st.booleans())
    def replay_some(self, count: int, remembered: bool) -> None:
        """A replay that is killed may have written letters without remembering it."""
        chosen = self.letters[self.replayed : self.replayed + count]
        self.topic += chosen
        if remembered:
            self.replayed += len(chosen)

    # -- the lane -----------------------------------------------------------------------

    @precondition(lambda self: self.next < len(self.topic))
    @rule(failing=st.lists(st.booleans(), min_size=1, max_size=6))
    def work(self, failing: list[bool]) -> None:
        for fails in failing[: len(self.topic) - self.next]:
            key, headers = self.topic[self.next]
            if self.lane.follows(key, self.next, headers) is not None:
                fate = Fate.PARKED
            elif fails:
                fate = Fate.DIED
            else:
                fate = Fate.HANDLED
                self.handled.append((key, first_of(self.next, headers)))
            self.lane.note(key, self.next, headers, fate)
            self.unheard.append((self.next, fate))
            self.next += 1

    # -- the supervisor -----------------------------------------------------------------

    @precondition(lambda self: self.unheard)
    @rule(count=st.sampled_from([1, 2, 100]), written=st.sampled_from([0, 1, 100]))
    def hear(self, count: int, written: int) -> None:
        for offset, fate in self.unheard[:count]:
            self._hear(offset, fate)
        del self.unheard[:count], self.held[:written]

    def _hear(self, offset: int, fate: Fate) -> None:
        key, headers = self.topic[offset]
        follows = self.truth.current.follows(key, offset, headers)
        self.truth.note(key, offset, headers, fate)
        self.settled = offset + 1
        if fate is not Fate.HANDLED:
            self.held.append(offset)
            before = dict(headers).get(FOLLOWS)
            kept = follows if fate is Fate.PARKED else before and int(before)
            self.letters.append((key, replay(first_of(offset, headers), kept)))

    @rule(then_dies=st.booleans())
    def commit(self, then_dies: bool) -> None:
        self.committed = self.held[0] if self.held else self.settled
        self.memo = self.truth.memo(self.committed)
        if then_dies:
            self.start()

    @precondition(lambda self: self.unheard or self.settled > self.committed)
    @rule(supervisor=st.booleans())
    def die(self, supervisor: bool) -> None:
        """What was not heard of runs again, and all that was not committed."""
        if supervisor:
            self.start()
        self.next, self.unheard = self.settled, []
        self.lane = Parking(self.truth.current.waiting())

    # -- what holds ---------------------------------------------------------------------

    @invariant()
    def each_key_is_handled_in_its_order(self) -> None:
        for key in KEYS:
            firsts = list(dict.fromkeys(first for one, first in self.handled if one == key))
            produced = [
                n for n, (one, headers) in enumerate(self.topic) if one == key and not headers
            ]
            assert firsts == produced[: len(firsts)]

    def teardown(self) -> None:
        """Once nothing fails any more, all is handled and no key is parked."""
        for _ in range(60):
            while self.next < len(self.topic):
                self.work([False] * 9)
            self.hear(10_000, 10_000)
            self.commit(False)
            if self.replayed == len(self.letters):
                break
            self.replay_some(10_000, True)
        assert self.replayed == len(self.letters)
        assert (len(self.lane), len(self.truth.current), self.memo) == (0, 0, "")
        self.each_key_is_handled_in_its_order()
        fresh = {(key, n) for n, (key, headers) in enumerate(self.topic) if not headers}
        assert fresh == set(self.handled)


def first_of(offset: int, headers: Headers) -> int:
    return int(dict(headers).get(FIRST_OFFSET) or offset)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_a_ticket_behind_a_dead_letter_follows_it_until_that_is_handled() -> None:
    keys = Parking()
    assert keys.follows(b"k", 1, ()) is None
    assert keys.note(b"k", 10, (), Fate.DIED) is not None
    assert (b"k" in keys, b"other" in keys, None in keys) == (True, False, False)
    assert keys.follows(b"k", 12, ()) == 10
    assert keys.follows(b"other", 12, ()) is None
    assert keys.follows(None, 12, ()) is None
    keys.note(b"k", 12, (), Fate.PARKED)
    assert keys.follows(b"k", 20, replay(12, 10)) == 10  # the first has not come back
    assert keys.follows(b"k", 20, replay(12)) == 12  # of whom nobody knows what it follows
    assert keys.follows(b"k", 20, replay(10)) is None
    keys.note(b"k", 20, replay(10), Fate.HANDLED)
    assert keys.follows(b"k", 21, replay(12, 10)) is None
    assert keys.note(b"k", 21, replay(12, 10), Fate.HANDLED) is not None
    assert len(keys) == 0


def test_a_ticket_without_key_or_of_a_free_key_concerns_nobody() -> None:
    keys = Parking()
    assert keys.note(None, 1, (), Fate.DIED) is None
    assert keys.note(b"k", 1, (), Fate.HANDLED) is None
    keys.note(b"k", 2, (), Fate.DIED)
    assert keys.note(b"other", 3, (), Fate.HANDLED) is None
    assert len(keys) == 1


def test_a_release_waits_for_none() -> None:
    keys = Parking()
    keys.note(b"k", 10, (), Fate.DIED)
    keys.note(b"k", 12, (), Fate.PARKED)
    headers = replay(12, RELEASE)
    assert keys.follows(b"k", 20, headers) is None
    keys.note(b"k", 20, headers, Fate.HANDLED)
    assert len(keys) == 0


def test_a_repetition_that_fails_parks_nothing_anew() -> None:
    keys = Parking()
    keys.note(b"k", 10, (), Fate.DIED)
    keys.note(b"k", 12, (), Fate.PARKED)
    keys.note(b"k", 20, replay(10), Fate.HANDLED)
    before = keys.waiting()
    keys.note(b"k", 21, replay(10), Fate.DIED)
    assert keys.waiting() == before


def test_a_stranger_s_first_offset_is_not_believed() -> None:
    keys = Parking()
    keys.note(b"k", 10, (), Fate.DIED)
    assert keys.follows(b"k", 12, replay(12)) == 10
    assert keys.follows(b"k", 12, replay(999)) == 10


def test_what_is_committed_knows_nothing_of_what_lies_behind_it() -> None:
    keys = ParkedKeys()
    keys.note(b"k", 10, (), Fate.DIED)
    assert keys.memo(10) == ""
    told = keys.memo(11)
    assert ParkedKeys(told).current.waiting() == keys.current.waiting()
    keys.note(b"k", 20, replay(10), Fate.HANDLED)
    assert (len(keys.current), keys.memo(20), keys.memo(21)) == (0, told, "")


def test_as_many_as_may_be_parked_fit_beside_an_offset() -> None:
    keys = ParkedKeys()
    for n in range(MOST_KEYS):
        keys.note(b"%d" % n, 2**62 + n, (), Fate.DIED)
    trouble = Trouble(2**62, 2**31 - 1, 2**31 - 1)
    memo = memo_of(trouble, begun=2**62 + 1, alone=True, parked=keys.memo(2**63 - 1))
    assert len(memo) < 4096
    assert len(ParkedKeys(parked_of(memo)).current) == MOST_KEYS
    assert parked_of(memo_of(trouble, parked="AA==")) == parked_of(memo_of(None, parked="AA=="))
    assert parked_of("") == ""


@given(st.text(max_size=40))
def test_what_others_have_committed_parks_nothing(memo: str) -> None:
    assert len(ParkedKeys(memo).current) <= 1
