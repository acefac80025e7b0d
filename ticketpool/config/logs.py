"""How logs are written."""

import msgspec


class LogConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``format``: console or json. ``level``: a name that ``logging`` knows."""

    format: str = "console"
    level: str = "info"
