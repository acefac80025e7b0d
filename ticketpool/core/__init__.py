"""The pure core: no clock, I/O, process, log or Kafka; time comes in as ``now``."""
