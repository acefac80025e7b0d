"""Where the HTTP listener is, as ``--http`` takes it."""

from ticketpool.errors import ConfigError


def parse(address: str) -> tuple[str, int]:
    """Host and port of ``HOST:PORT`` or ``[IPV6]:PORT``.

    Raises:
        ConfigError: it is neither. A missing host is refused: it could mean all of
            the machine's addresses, and that one has to say.
    """
    host, colon, port = address.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not (colon and bare and port.isascii() and port.isdigit() and int(port) < 65536):
        raise ConfigError(f"--http {address}: not HOST:PORT, such as 127.0.0.1:9464")
    if ":" in bare and bare == host:
        raise ConfigError(f"--http {address}: an IPv6 address goes in brackets: [{host}]:{port}")
    return bare, int(port)
