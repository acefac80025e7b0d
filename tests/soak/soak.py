"""Random faults from a seed against three supervisors of one group, for as long as is asked."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM
from uuid import uuid4

from tests.broker import Broker
from tests.processes import no_stray
from tests.run.topics import committed, ends
from tests.soak.members import Member, Place
from tests.soak.nemesis import Nemesis, Say
from tests.soak.plan import EVERY_SECONDS, MEMBERS, SPARED, Fault, plan
from tests.soak.sampler import Sampler
from tests.soak.verdict import Row, Story, judge
from tests.support import Command, eventually

RATE = 200
PARTITIONS = 9  # three for each member
LIVENESS_SECONDS = 90.0
"""After the last fault: two sessions of 6 s, a replaced worker's back-off, the backlog."""
_SAY_EVERY_SECONDS = 10.0


def soak(
    kafka: Broker,
    folder: Path,
    seed: int,
    seconds: float,
    say: Say,
    *,
    every: float = EVERY_SECONDS,
) -> list[Row]:
    """Run it and judge it: a row for each thing that must hold. Takes a minute or so longer.

    Args:
        kafka: ours to stop, kill and pause; it runs and answers afterwards.
        folder: empty; keeps all evidence.
        every: seconds between faults, on the average.
    """
    place = _place(kafka, folder, seed)
    story = Story(place)
    try:
        with no_stray():
            _live(place, story, plan(seed, every), seconds, say)
    except AssertionError as problem:
        story.problems.append(str(problem))
    return judge(story, say)


def _place(kafka: Broker, folder: Path, seed: int) -> Place:
    shutil.copy(Path(__file__).with_name("handlers.py"), folder / "soak_handlers.py")
    topic = f"soak-{seed}-{uuid4().hex[:8]}"
    kafka.create_topic(topic, PARTITIONS)
    kafka.create_topic(f"{topic}.dlq", 1)
    return Place(kafka, folder, topic, seed)


def _live(place: Place, story: Story, faults: Iterator[Fault], seconds: float, say: Say) -> None:
    with _members(place) as members, _producer(place) as producer:
        for member in members:
            member.service.await_event("ready", seconds=60)
        sampler = Sampler(members[SPARED].service.pid)
        nemesis = Nemesis(place, members, say)
        progress = _Progress(sampler, seconds, say)
        try:
            nemesis.run(faults, seconds, progress.tick)
            _settle(place, story, nemesis, members, producer, say)
        finally:
            place.kafka.restore()
            sampler.end()
            story.take(sampler, nemesis, members)
        _finish(story, members)


@contextmanager
def _members(place: Place) -> Iterator[list[Member]]:
    members: list[Member] = []
    try:
        members.extend(Member(f"m{number}", place) for number in range(MEMBERS))
        yield members
    finally:
        for member in members:
            member.close()


@contextmanager
def _producer(place: Place) -> Iterator[Command]:
    producer = Command(
        "produce", "--bootstrap-servers", place.kafka.bootstrap, "--topic", place.topic,
        "--rate", str(RATE), "--keys", "300", "--json", folder=place.folder,
    )  # fmt: skip
    try:
        yield producer
    finally:
        producer.close()


class _Progress:
    """A line now and then."""

    def __init__(self, sampler: Sampler, seconds: float, say: Say) -> None:
        self._sampler = sampler
        self._seconds = seconds
        self._say = say
        self._began = self._said = time.monotonic()

    def tick(self) -> None:
        """Call it often."""
        now = time.monotonic()
        if now - self._said >= _SAY_EVERY_SECONDS:
            self._said = now
            self._say(f"of {self._seconds:.0f} s; m{SPARED}: {self._sampler.last()}")


def _settle(
    place: Place, story: Story, nemesis: Nemesis, members: list[Member], producer: Command, say: Say
) -> None:
    """No more faults, nothing more is written: all must be handled within the bound."""
    nemesis.end()
    calm = time.monotonic()
    eventually(lambda: not [member for member in members if not member.be_up()], seconds=60)
    producer.signal(SIGTERM)
    story.delivered = producer.expect(0, 150).json()["delivered"]
    say(f"faults are over, {story.delivered:,} tickets are written")
    for member in members:
        member.service.await_event("ready", seconds=60)
    left = LIVENESS_SECONDS - (time.monotonic() - calm)
    eventually(
        lambda: committed(place.kafka, place.group, place.topic) == ends(place.kafka, place.topic),
        seconds=left, every=0.5,
    )  # fmt: skip
    story.settled_seconds = time.monotonic() - calm


def _finish(story: Story, members: list[Member]) -> None:
    """The spared supervisor at rest, then the end of all."""
    story.at_rest(members[SPARED])
    for member in members:
        member.finish()
