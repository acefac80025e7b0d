"""The broker's settings, the same for Docker and Java, and ports to listen on."""

import random
import socket
from collections.abc import Sequence

from tests.broker.base import Listener

_CONTROLLER = "CONTROLLER"

_QUICK = {
    "process.roles": "broker,controller",
    "node.id": "1",
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
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",  # 50 by default: 50 folders to make at the first join
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
}


def settings(
    bind: str, client: Listener, controller_port: int, data: str, further: Sequence[Listener] = ()
) -> dict[str, str]:
    """The content of ``server.properties``.

    Args:
        bind: the address to listen on; always advertised as 127.0.0.1.
        client: the listener that tests use.
        data: the folder for the records.
    """
    listeners = [client, *further]
    bound = [f"{one.name}://{bind}:{one.port}" for one in listeners]
    advertised = [f"{one.name}://127.0.0.1:{one.advertised_port}" for one in listeners]
    protocols = [f"{name}:PLAINTEXT" for name in (_CONTROLLER, *(one.name for one in listeners))]
    return _QUICK | {
        "listeners": ",".join([*bound, f"{_CONTROLLER}://127.0.0.1:{controller_port}"]),
        "advertised.listeners": ",".join(advertised),
        "listener.security.protocol.map": ",".join(protocols),
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "log.dirs": data,
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
