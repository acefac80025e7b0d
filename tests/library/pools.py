"""What tests of pools share."""

from ticketpool.library.options import PoolOptions


def topic_of(options: PoolOptions) -> str:
    """The only one."""
    topic = options["topics"]
    assert isinstance(topic, str)
    return topic
