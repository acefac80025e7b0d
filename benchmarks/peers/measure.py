"""Runs the contenders in turns, and believes none that did not commit all of it."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from uuid import uuid4

from confluent_kafka import Consumer, TopicPartition

from benchmarks.peers.contender import Job, Ready, command, ours
from benchmarks.peers.environments import ROOT
from benchmarks.peers.figures import Run, Void, order, parse
from benchmarks.peers.handlers import LOOPS
from tests.broker import Broker

PARTITIONS = 8
KEYS = 500
RUN_SECONDS = 300
"""The longest that a run may take, start and end included."""
PRODUCE_SECONDS = 300


def fill(kafka: Broker, count: int) -> str:
    """A new topic with that many tickets of about 200 bytes, lz4; returns its name."""
    topic = kafka.create_topic(f"peers-{count}-{uuid4().hex[:8]}", PARTITIONS)
    _run([
        *ours(), "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--rate", "0",
        "--count", str(count), "--keys", str(KEYS), "--workers", "2", "--json",
    ], {}, PRODUCE_SECONDS)  # fmt: skip
    if sum(_ends(kafka, topic)) != count:
        raise Void(f"{topic} does not hold {count} tickets")
    return topic


def rounds(
    kafka: Broker, peers: Sequence[Ready], topics: dict[str, tuple[str, int]],
    handler: str, number: int, say: Callable[[Run], None],
) -> list[Run]:  # fmt: skip
    """All runs: a warm-up, then ``number`` rounds, each in another order.

    Args:
        topics: for each contender's name the topic and how much is in it.
    """
    by_name = {peer.name: peer for peer in peers}
    runs = []
    for turn in range(number + 1):
        for name in order(list(by_name), turn):
            topic, count = topics[name]
            job = Job(kafka.bootstrap, topic, count, f"{name}-{uuid4().hex[:8]}", handler)
            runs.append(once(kafka, by_name[name], job, turn))
            say(runs[-1])
    return runs


def once(kafka: Broker, peer: Ready, job: Job, turn: int) -> Run:
    """One run; a void one where anything was amiss."""
    try:
        output = _run(command(peer, job), {LOOPS: str(peer.loops)}, RUN_SECONDS)
        seconds = parse(output, job.count)
        _require_committed(kafka, job)
    except Void as reason:
        return Run(peer.name, turn, job.count, 0.0, str(reason))
    return Run(peer.name, turn, job.count, seconds)


def _run(line: Sequence[str], environment: dict[str, str], seconds: float) -> str:
    """Standard output of a command, which is gone afterwards with all its children.

    Raises ``Void`` when it fails or takes longer.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            line, cwd=ROOT, env=os.environ | environment, stdin=subprocess.DEVNULL,
            stdout=out, stderr=err, process_group=0,
        )  # fmt: skip
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Void(f"not done within {seconds:g} s") from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        out.seek(0)
        err.seek(0)
        if code:
            raise Void(f"exit code {code}: {err.read()[-500:].decode(errors='replace')}")
        return out.read().decode(errors="replace")


def _require_committed(kafka: Broker, job: Job) -> None:
    """Look from outside: what the group has committed must be all that there is."""
    committed, ends = _committed(kafka, job), _ends(kafka, job.topic)
    if committed != ends:
        raise Void(f"committed {committed}, but the partitions end at {ends}")


def _committed(kafka: Broker, job: Job) -> list[int]:
    with _reader(kafka, job.group) as reader:
        found = reader.committed([TopicPartition(job.topic, n) for n in range(PARTITIONS)], 30)
    return [one.offset for one in sorted(found, key=lambda one: one.partition)]


def _ends(kafka: Broker, topic: str) -> list[int]:
    with _reader(kafka, "peers-ends") as reader:
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        return [reader.get_watermark_offsets(one, 30)[1] for one in partitions]


def _reader(kafka: Broker, group: str) -> Consumer:
    """A consumer that never joins its group."""
    return Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": group})
