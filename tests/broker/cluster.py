"""Three Java brokers that keep each record three times, to be killed one by one."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice

from confluent_kafka import ElectionType, KafkaError
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.broker import jars
from tests.broker.base import Broker
from tests.broker.java import JavaBroker, find_java, new_cluster_id
from tests.broker.settings import Seat, free_port

NODES = 3
_HEAP_MIB = 384
_OFFSETS = "__consumer_offsets"


class Cluster(Broker):
    """Brokers 1 to 3 as one; the first is the only controller, so it has to live.

    What the methods of ``Broker`` do, they do to all; ``node`` gives one.
    """

    replicas = NODES

    def __init__(self, nodes: Sequence[JavaBroker]) -> None:
        super().__init__()
        self._nodes = nodes
        self.bootstrap = ",".join(node.bootstrap for node in nodes)
        self.description = f"{len(nodes)} x Java on {self.bootstrap}"

    def node(self, number: int) -> Broker:
        """The broker of this id."""
        return self._nodes[number - 1]

    def leaders(self, topic: str) -> dict[int, int]:
        """The broker that leads each partition; -1: none does."""
        found = self._admin().list_topics(topic, timeout=10).topics[topic]
        return {number: one.leader for number, one in found.partitions.items()}

    def coordinator(self, group: str) -> int:
        """The broker that coordinates a group: it leads the group's part of the offsets topic."""
        leaders = self.leaders(_OFFSETS)
        return leaders[(_java_hash(group) & 0x7FFFFFFF) % len(leaders)]

    def create_topic_led_by(self, leaders: Iterable[int], name: str, partitions: int) -> str:
        """Create a topic of which only these brokers lead partitions, as long as they live."""
        placed = [_led_by(leader) for leader in islice(cycle(leaders), partitions)]
        new = NewTopic(name, num_partitions=partitions, replica_assignment=placed)
        self._create(self._admin(), new, partitions)
        return name

    def restore_leaders(self) -> None:
        """Wait until all replicas are in sync; then each partition's first one leads it again."""
        self._wait(self._in_sync, "there are replicas behind")
        admin = self._admin()  # its answers die with it
        found = admin.elect_leaders(ElectionType.PREFERRED).result(30)
        needless = KafkaError.ELECTION_NOT_NEEDED
        bad = [error for error in found.values() if error and error.code() != needless]
        assert not bad, bad

    def restore(self) -> None:
        """Have all nodes run and answer, and the leaders where they were at first."""
        self._each(JavaBroker.restore)
        super().restore()
        self.restore_leaders()

    def close(self) -> None:
        self._each(JavaBroker.close)

    def _in_sync(self) -> bool:
        topics = self._admin().list_topics(timeout=10).topics.values()
        partitions = [p for topic in topics for p in topic.partitions.values()]
        return all(set(p.isrs) == set(p.replicas) for p in partitions)

    def _each(self, deed: Callable[[JavaBroker], None]) -> None:
        """Do it to all at the same time; each waits for its own effect."""
        with ThreadPoolExecutor(len(self._nodes)) as threads:
            list(threads.map(deed, self._nodes))

    def _check_alive(self) -> None:
        for node in self._nodes:
            if node.running:
                node._check_alive()

    def _start(self) -> None:
        self._each(JavaBroker.start)
        admin = self._admin()
        self._wait(lambda: _complete(admin, len(self._nodes)), "not all brokers have registered")

    def _stop(self) -> None:
        self._each(JavaBroker.stop)

    def _kill(self) -> None:
        self._each(JavaBroker.kill)

    def _pause(self) -> None:
        self._each(JavaBroker.pause)

    def _resume(self) -> None:
        self._each(JavaBroker.resume)


def launch() -> Cluster:
    """A running cluster. Raises ``Unavailable`` without Java, or jars, or when it fails."""
    java, libraries, port, cluster_id = find_java(), jars.folder(), free_port(), new_cluster_id()
    seats = [Seat(port, number, NODES) for number in range(1, NODES + 1)]
    nodes = [
        JavaBroker(java, libraries, seat=seat, cluster=cluster_id, heap_mib=_HEAP_MIB)
        for seat in seats
    ]
    cluster = Cluster(nodes)
    try:
        cluster.start()
    except BaseException:
        cluster.close()
        raise
    return cluster


def _complete(admin: AdminClient, nodes: int) -> bool:
    return len(admin.list_topics(timeout=5).brokers) == nodes


def _led_by(leader: int) -> list[int]:
    """All brokers, this one first: Kafka prefers a partition's first replica as its leader."""
    return [leader, *(number for number in range(1, NODES + 1) if number != leader)]


def _java_hash(text: str) -> int:
    """``String.hashCode`` for text without surrogates, as 32 bits without a sign."""
    found = 0
    for letter in text:
        found = (31 * found + ord(letter)) & 0xFFFFFFFF
    return found
