"""``ticketpool produce``, from the topic to the summary."""

from contextlib import ExitStack, closing

from msgspec import structs

from ticketpool.config import ProduceConfig
from ticketpool.errors import ConfigError
from ticketpool.kafka.cluster import Cluster
from ticketpool.kafka.returning import limited
from ticketpool.log import get
from ticketpool.produce.coordinator import Coordinator
from ticketpool.produce.crew import Crew
from ticketpool.produce.failed import FailedFile
from ticketpool.produce.feeder import Feeder
from ticketpool.produce.progress import progress
from ticketpool.produce.signals import Signals
from ticketpool.produce.source import Source
from ticketpool.produce.summary import Summary

_STEP_SECONDS = 0.1  # how soon a signal is seen, and how often the progress bar moves

log = get(__name__)


def produce(config: ProduceConfig) -> Summary:
    """Write the tickets and wait for their acknowledgements; call it on the main thread.

    SIGINT and SIGTERM end the run without a gap in the ids, or read no more, and
    deliver what was begun; a second one ends it at once, with the rest in ``--failed``.

    Raises:
        ConfigError: the input cannot be read, the ``--failed`` file not be written.
        TicketpoolError: the same while it runs; the message says what is not kept.
        BrokerUnreachable, NotAuthorised: at the start; an outage later is waited out.
        TopicMissing: and neither we nor the broker was to make it.
        ConfigError: a Kafka property, or the making of the topic, is refused.
        WorkerStartFailed: a process died before it was ready.
    """
    with ExitStack() as opened:
        source = None if config.input is None else Source(config.input)
        if source is not None:
            opened.enter_context(closing(source))
        failed = opened.enter_context(closing(FailedFile(config.failed)))
        _refuse_a_circle(source, config.failed)
        partitions = prepare(config)
        config = _fitted(config)
        run = Coordinator(config, failed) if source is None else Feeder(config, source, failed)
        return _watched(opened.enter_context(run), partitions)


def _watched(run: Crew, partitions: int) -> Summary:
    with Signals() as signals:
        run.start()
        _tell_start(run, partitions)
        with progress(run) as show:
            while run.step(_STEP_SECONDS):
                show()
                if signals.count:
                    run.stop()
                if signals.count > 1:
                    run.give_up(at_once=signals.count > 2)
            show()
        return run.summary()


def _refuse_a_circle(source: Source | None, failed: str | None) -> None:
    if source is not None and failed is not None and source.is_same_as(failed):
        raise ConfigError(
            f"--failed {failed}: is the --input; what fails again would be read again for ever"
        )


def _fitted(config: ProduceConfig) -> ProduceConfig:
    """With records as long as the topic takes, where a single one that fails matters."""
    if config.input is None and config.failed is None:
        return config
    limit = Cluster(config.kafka).max_message_bytes(config.topic)
    return structs.replace(config, kafka=limited(config.kafka, limit))


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


def _tell_start(run: Crew, partitions: int) -> None:
    config = run.config
    if config.input is not None:
        _tell_input(config)
    if run.workers < config.workers:
        log.warning("fewer processes than wanted", workers=run.workers, reason="one key each")
    log.info(
        "producing",
        run=run.run,
        topic=config.topic,
        partitions=partitions,
        tickets=_how_many(run),
        rate=config.rate or "as fast as possible",
        keys=config.keys if config.input is None else config.key_field,
        workers=run.workers,
    )


def _how_many(run: Crew) -> int | str:
    if run.config.input is not None:
        return f"all of {run.config.input}"
    return "until stopped" if run.total is None else run.total


def _tell_input(config: ProduceConfig) -> None:
    if config.key_field is None:
        log.warning("no order", reason="lines have no key; name one by --key-field")
    if config.failed is None:
        log.warning("nothing is kept", reason="add --failed FILE for what cannot be delivered")
