"""murmur2 puts each key into the partition that a Java client would choose.

In doubt because librdkafka's own default is another hash (CRC32). The reference
here is checked against figures that Kafka's own ``Utils.murmur2`` gave (4.1.1).
"""

import zlib
from collections.abc import Callable

import pytest

from tests.broker import Broker
from tests.produce.topics import read
from tests.support import Command

pytestmark = pytest.mark.e2e

_MASK = 0xFFFFFFFF
_M = 0x5BD1E995


def _mixed(data: bytes) -> int:
    """The 32-bit hash MurmurHash2 with Kafka's seed, unsigned."""
    h = 0x9747B28C ^ len(data)
    whole = len(data) - len(data) % 4
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * _M & _MASK
        h = (h * _M & _MASK) ^ ((k ^ k >> 24) * _M & _MASK)
    if rest := data[whole:]:
        h = (h ^ int.from_bytes(rest, "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


def murmur2_partition(key: bytes, partitions: int) -> int:
    return (_mixed(key) & 0x7FFFFFFF) % partitions


@pytest.mark.parametrize(
    ("key", "java"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"key-0", 29210041),
        (b"key-17", 956945460),
        (b"key-42", -187086521),
        (b"key-499", 320548976),
        (b"", 275646681),
    ],
)
def test_the_reference_agrees_with_java(key: bytes, java: int) -> None:
    assert _mixed(key) == java & _MASK


def test_murmur2_is_the_default(
    kafka: Broker, make_topic: Callable[..., str], command: Callable[..., Command]
) -> None:
    topic = make_topic(7)
    command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--rate", "0",
        "--count", "300", "--keys", "300", "--workers", "2",
    ).expect(0)  # fmt: skip
    placed = {w.key: w.partition for w in read(kafka.bootstrap, topic)}
    assert placed == {key: murmur2_partition(key, 7) for key in placed}
    assert len(placed) == 300


def test_another_partitioner_can_be_chosen(
    kafka: Broker, make_topic: Callable[..., str], command: Callable[..., Command]
) -> None:
    topic = make_topic(7)
    command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--rate", "0",
        "--count", "100", "--keys", "100", "--partitioner", "consistent",
    ).expect(0)  # fmt: skip
    placed = {w.key: w.partition for w in read(kafka.bootstrap, topic)}
    assert placed == {key: zlib.crc32(key) % 7 for key in placed}
