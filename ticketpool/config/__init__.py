"""The configuration, as frozen values with units in their names.

Precedence (flag, environment, file, default) is the command line's business;
here a value is just a value, with the reason for its default.
"""

from ticketpool.config.kafka import MASK, KafkaConfig, is_secret
from ticketpool.config.logs import LogConfig
from ticketpool.config.produce import ZIPF_KEYS, ProduceConfig
from ticketpool.config.run import (
    BUILTIN,
    CODECS,
    Assignor,
    OffsetReset,
    OnFailure,
    OnOutOfRange,
    RunConfig,
    usable_cores,
)

__all__ = [
    "BUILTIN",
    "CODECS",
    "MASK",
    "ZIPF_KEYS",
    "Assignor",
    "KafkaConfig",
    "LogConfig",
    "OffsetReset",
    "OnFailure",
    "OnOutOfRange",
    "ProduceConfig",
    "RunConfig",
    "is_secret",
    "usable_cores",
]
