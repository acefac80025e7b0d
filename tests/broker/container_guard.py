"""Removes a container when the test session is gone: ``python container_guard.py ID``.

Waits for end of file on standard input: the session closed the pipe, or died in
any way, SIGKILL included.
"""

import sys

import docker
from docker.errors import NotFound


def main() -> None:
    """Wait, then remove the container with its volumes."""
    sys.stdin.read()
    engine = docker.from_env()
    try:
        engine.containers.get(sys.argv[1]).remove(force=True, v=True)
    except NotFound:
        return
    finally:
        engine.close()


if __name__ == "__main__":
    main()
