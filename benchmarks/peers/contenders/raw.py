"""The raw loop: one process, confluent-kafka and nothing else (benchmarks/bare_consumer.py).

As one who knows the client would write it: one ``poll`` that waits, then whatever is there
by ``consume(999, 0)``, offsets stored once a batch after the handler, committed in the
background. ``fetch.queue.backoff.ms`` is lowered from 1 s, as librdkafka's own documentation
advises for short queues; all else is the default. It is the most that one Python process
can take from the wire, and what is lacking in it is what the others are for.
"""

from benchmarks.bare_consumer import consume, decoding
from benchmarks.peers.job import job, tell


def main() -> None:
    """Do the job."""
    told = job()
    handle = decoding(told.handle)
    tell(told.count, consume(told.bootstrap, told.topic, told.count, told.group, handle))


if __name__ == "__main__":
    main()
