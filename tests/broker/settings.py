"""The broker's settings, the same for Docker and Java, and ports to listen on."""

import random
import socket
from collections.abc import Sequence
from typing import NamedTuple

from tests.broker.base import Listener

_CONTROLLER = "CONTROLLER"

_QUICK = {
    "controller.listener.names": _CONTROLLER,
    "inter.broker.listener.name": "CLIENT",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",  # 3 s by default, in every test
    "group.min.session.timeout.ms": "1000",
    # The new protocol's (KIP-848) are the broker's to set; 45 s and 5 s by default.
    "group.consumer.min.session.timeout.ms": "6000",
    "group.consumer.session.timeout.ms": "6000",
    "group.consumer.min.heartbeat.interval.ms": "500",
    "group.consumer.heartbeat.interval.ms": "500",
    # After SIGKILL a broker may register again only when its former self has timed out: 9 s.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "offsets.topic.num.partitions": "4",  # 50 by default: 50 folders to make at the first join
    "transaction.state.log.num.partitions": "4",
    # So that a test can take a right away by an ACL of its own; without any, all are allowed.
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}


class Seat(NamedTuple):
    """A node's place in a cluster. All nodes are brokers; the first is the only controller too.

    Attributes:
        controller_port: the first node's; all nodes know it.
        nodes: how many there are; each record is kept by all, and acknowledged by all but one.
    """

    controller_port: int
    node: int = 1
    nodes: int = 1

    @property
    def controls(self) -> bool:
        return self.node == 1


def settings(
    bind: str, client: Listener, seat: Seat, data: str, further: Sequence[Listener] = ()
) -> dict[str, str]:
    """The content of ``server.properties``.

    Args:
        bind: the address to listen on; always advertised as 127.0.0.1.
        client: the listener that tests use, and the brokers of a cluster among them.
        data: the folder for the records.
    """
    listeners = [client, *further]
    bound = [f"{one.name}://{bind}:{one.port}" for one in listeners]
    if seat.controls:
        bound.append(f"{_CONTROLLER}://127.0.0.1:{seat.controller_port}")
    advertised = [f"{one.name}://127.0.0.1:{one.advertised_port}" for one in listeners]
    protocols = [f"{name}:PLAINTEXT" for name in (_CONTROLLER, *(one.name for one in listeners))]
    return {
        **_QUICK,
        **_seated(seat),
        "listeners": ",".join(bound),
        "advertised.listeners": ",".join(advertised),
        "listener.security.protocol.map": ",".join(protocols),
        "log.dirs": data,
    }


def _seated(seat: Seat) -> dict[str, str]:
    """What depends on the node, and on how many there are."""
    replicas, least = str(seat.nodes), str(max(1, seat.nodes - 1))
    return {
        "process.roles": "broker,controller" if seat.controls else "broker",
        "node.id": str(seat.node),
        "controller.quorum.voters": f"1@127.0.0.1:{seat.controller_port}",
        "min.insync.replicas": least,
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": least,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": least,
    }


def free_port() -> int:
    """A port on which nothing listens.

    Below the range from which the kernel takes ports for outgoing connections
    (ip_local_port_range, from 32768): such a one could be taken while a stopped
    broker waits for its restart.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
