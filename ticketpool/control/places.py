"""Where control sockets are: folders that only their user can enter, a file per supervisor."""

import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ticketpool.errors import ConfigError

_MOST_NAME = 24  # sun_path takes 107 bytes with its folder (unix(7))


def file_name(group: str, pid: int) -> str:
    """Of the socket of a supervisor of that group."""
    return f"{_word_of(group)}.{pid}.sock"


def is_of(path: Path, group: str) -> bool:
    """Whether the socket belongs to a supervisor of that group."""
    return path.name.rsplit(".", 2)[0] == _word_of(group)


def _word_of(group: str) -> str:
    """The group as part of a file's name; one that has to be changed for that keeps a digest."""
    word = re.sub(r"[^A-Za-z0-9_-]", "_", group)[:_MOST_NAME]
    if word == group:
        return word
    return f"{word}-{hashlib.sha256(group.encode()).hexdigest()[:8]}"


def own_folder() -> Path:
    """Where our socket goes unless told otherwise; made if it is not there.

    Raises:
        ConfigError: none can be made, or others could get at it.
    """
    tried = []
    for folder in _folders():
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            check_private(folder)
        except OSError as error:  # XDG_RUNTIME_DIR may name what is not there, or is another's
            tried.append(f"{folder}: {error.strerror}")
            continue
        return folder
    raise ConfigError(f"no folder for the control socket ({'; '.join(tried)}); see --control")


def check_private(folder: Path) -> None:
    """Raises ``ConfigError``: it is not ours alone; ``OSError``: it is not there."""
    found = folder.lstat()  # no symbolic link of somebody else's
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise ConfigError(
            f"{folder} is no folder of user {os.geteuid()} alone (mode 0700), so no control "
            "socket goes there: remove it, or name another place with --control"
        )


def _folders() -> Iterator[Path]:
    """Places for sockets of this user, the best first."""
    if systemd := os.environ.get("RUNTIME_DIRECTORY", ""):
        yield Path(systemd.split(":")[0], "control")  # systemd's own may be readable to all
    if runtime := os.environ.get("XDG_RUNTIME_DIR", ""):
        yield Path(runtime, "ticketpool")
    yield Path(tempfile.gettempdir(), f"ticketpool-{os.geteuid()}")


def sockets() -> list[Path]:
    """All that look like sockets of supervisors that this user may speak to."""
    ours = [folder for folder in _folders() if _is_trusted(folder)]
    systemd = Path("/run").glob("ticketpool*/control")  # only root makes folders there
    found: list[Path] = []
    for folder in dict.fromkeys((*ours, *systemd)):
        try:
            found += sorted(folder.glob("*.sock"))
        except OSError:  # another user's
            continue
    return found


def _is_trusted(folder: Path) -> bool:
    """Whether nobody but us or root can have put sockets there."""
    try:
        check_private(folder)
    except (OSError, ConfigError):
        return False
    return True
