"""Why a partition does not get on, where that is known and not its handler's work. Pure.

One cause is told, the one without which the others could not be seen or mended: no broker
before what is held by a person, that before a worker that is down, that before the record.
"""

from typing import NamedTuple

from ticketpool.core.lane import Lane


class Delay(NamedTuple):
    """A record that can't be written for now.

    Attributes:
        kind: dead-letter or output.
        offset: of the ticket that it goes back to.
        topic: where it is to be written.
        why: the last error, in the broker's words.
    """

    kind: str
    offset: int
    topic: str
    why: str


class Cause(NamedTuple):
    """What a partition waits for.

    Attributes:
        kind: as ``status.Blame.kind``.
        offset: the record to blame; ``None`` when no single one is.
        detail: what is known beside that: an error's words, a topic, a worker.
        seconds: for how long it has been so, where the supervisor knows; else the first
            time that it was seen counts.
        topic: that can't be written.
        deaths: of workers that ran the record.
    """

    kind: str
    offset: int | None = None
    detail: str = ""
    seconds: float | None = None
    topic: str = ""
    deaths: int = 0


class Around(NamedTuple):
    """What is known beside the lane itself; everything empty when all is well.

    Attributes:
        broker: no broker answers, and since how many seconds.
        leader: the partition's leader does not answer as it should: its words.
        worker: what is wrong with the worker that it belongs to.
        suspect: a record of another lane that is run alone: nothing else of its worker runs.
        delay: what of it can't be written.
    """

    broker: float | None = None
    leader: str = ""
    worker: str = ""
    suspect: str = ""
    delay: Delay | None = None


WELL = Around()


def cause_of(lane: Lane, lag: int | None, around: Around = WELL) -> Cause | None:
    """What the lane waits for; ``None``: nothing, or nothing known.

    ``lag``: records that are not settled, as the broker counts them; ``None``: not known.
    """
    if around.broker is not None:
        return Cause("broker", seconds=around.broker)
    if lane.out_of_range:
        return Cause("out-of-range", lane.ledger.next)
    if lane.held:
        return Cause("paused", lane.next_record)
    if not lag and lane.ledger.idle:
        return None
    if around.worker:
        return Cause("worker", lane.next_record, around.worker)
    return _of_its_record(lane) or _of_what_is_held(lane, around.delay) or _of_others(lane, around)


def _of_its_record(lane: Lane) -> Cause | None:
    trouble = lane.trouble
    if trouble is None or trouble.offset != lane.next_record:
        return None
    if trouble.crashes:
        return Cause("crashed", trouble.offset, deaths=trouble.crashes)
    return Cause("retrying", trouble.offset, trouble.why) if trouble.attempts else None


def _of_what_is_held(lane: Lane, delay: Delay | None) -> Cause | None:
    """Its first held record; of which kind it is, is known once a try has failed, or when
    only one kind is held."""
    if lane.ledger.held <= lane.abandoned:
        return None
    offset = lane.ledger.first_held
    if delay is not None:
        return Cause(delay.kind, offset, delay.why, topic=delay.topic)
    return Cause("output" if lane.sending else "dead-letter", offset)


def _of_others(lane: Lane, around: Around) -> Cause | None:
    if around.leader:
        return Cause("fetch", lane.ledger.next, around.leader)
    if around.suspect and not lane.suspect:
        return Cause("crashed", None, around.suspect)
    if lane.caution and not lane.has_turn and lane.next_record is not None:
        return Cause("crashed", lane.next_record)
    return None
