"""The worker's end of the pipe in a process of its own: reads frames and answers each with an ack.

``python sink.py FD``, where FD is the end that was handed down.
"""

import sys

from ticketpool.ipc.channel import Port
from ticketpool.ipc.frames import Ack, FromSupervisor, Records


def main(fd: int) -> None:
    port: Port[FromSupervisor] = Port(fd, FromSupervisor)
    for frame in port.frames():
        assert isinstance(frame, Records)
        port.send(Ack(frame.lane, frame.offsets[-1], 0, [], [], 0))


if __name__ == "__main__":
    main(int(sys.argv[1]))
