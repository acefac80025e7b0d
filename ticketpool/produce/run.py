"""``ticketpool produce``, from the topic to the summary."""

from ticketpool.config import ProduceConfig
from ticketpool.kafka.cluster import Cluster
from ticketpool.log import get
from ticketpool.produce.coordinator import Coordinator
from ticketpool.produce.progress import progress
from ticketpool.produce.signals import Signals
from ticketpool.produce.summary import Summary

_STEP_SECONDS = 0.1  # how soon a signal is seen, and how often the progress bar moves

log = get(__name__)


def produce(config: ProduceConfig) -> Summary:
    """Write the tickets and wait for their acknowledgements; call it on the main thread.

    SIGINT and SIGTERM end the run without a gap in the ids and deliver what was
    begun; a second one ends it at once.

    Raises:
        BrokerUnreachable, NotAuthorised: at the start; an outage later is waited out.
        TopicMissing: and neither we nor the broker was to make it.
        ConfigError: a Kafka property, or the making of the topic, is refused.
        WorkerStartFailed: a process died before it was ready.
    """
    partitions = prepare(config)
    with Signals() as signals, Coordinator(config) as run:
        run.start()
        _tell_start(run, partitions)
        with progress(run) as show:
            while run.step(_STEP_SECONDS):
                show()
                if signals.count:
                    run.stop()
                if signals.count > 1:
                    run.kill()
            show()
        return run.summary()


def prepare(config: ProduceConfig) -> int:
    """Make sure of the topic; returns its number of partitions. Raises as ``produce``."""
    cluster = Cluster(config.kafka)
    counts = cluster.partition_counts([config.topic])
    if config.topic not in counts:
        _make(cluster, config)
        counts = cluster.require([config.topic])
        log.info("topic made", topic=config.topic, partitions=counts[config.topic])
    return counts[config.topic]


def _make(cluster: Cluster, config: ProduceConfig) -> None:
    if config.create_topic:
        cluster.create(config.topic, config.partitions, config.replication)
    else:
        cluster.touch(config.topic)  # a broker with auto-create makes it, with its own defaults


def _tell_start(run: Coordinator, partitions: int) -> None:
    config = run.config
    if run.workers < config.workers:
        log.warning("fewer processes than wanted", workers=run.workers, reason="one key each")
    log.info(
        "producing",
        run=run.run,
        topic=config.topic,
        partitions=partitions,
        tickets="until stopped" if run.total is None else run.total,
        rate=config.rate or "as fast as possible",
        keys=config.keys,
        workers=run.workers,
    )
