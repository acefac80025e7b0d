"""The supervisor's end of the control socket: threads that take requests, none that acts."""

import os
import socket
import struct
import threading
import time
from pathlib import Path
from queue import SimpleQueue

from ticketpool import log
from ticketpool.control.places import check_private, file_name, own_folder
from ticketpool.control.requests import Answer, Caller, Request
from ticketpool.control.wire import MOST_REQUEST_BYTES, Line, decode_request, encode_answer
from ticketpool.errors import ConfigError, ControlError
from ticketpool.masking import masked

MOST_CLIENTS = 8
"""At a time; each has a thread that mostly waits."""

IO_SECONDS = 3.0
"""A request must have arrived by then, and an answer been taken."""

_BACKLOG = 64

_LOOK_SECONDS = 0.5  # how often one that waits for an answer is asked whether it is still there

_CREDENTIALS = struct.Struct("3i")  # struct ucred, unix(7)

_log = log.get("ticketpool.control")


class Call:
    """A request that waits for its answer, which the loop gives."""

    def __init__(self, request: Request, caller: Caller) -> None:
        self.request, self.caller = request, caller
        self.reply: Answer | None = None
        self._done = threading.Event()

    def answer(self, reply: Answer) -> None:
        """The one answer; later ones are not heard."""
        if self.reply is None:
            self.reply = reply
            self._done.set()

    def wait(self, seconds: float) -> Answer | None:
        """The answer, once there is one; ``None``: not within ``seconds``."""
        return self.reply if self._done.wait(seconds) else None


class Server:
    """*Supervisor side.* Listens, and puts what is asked into a queue for the loop to take.

    Whoever connects must be our user or root. Garbage, slowness and silence cost a thread
    for ``IO_SECONDS``, and the loop nothing.

    Args:
        where: path of the socket, or ``auto``.
        group: names the socket, with our pid, when that is chosen here.

    Attributes:
        path: of the socket.

    Raises:
        ConfigError: nothing can be bound there.
    """

    def __init__(self, where: str, group: str, calls: SimpleQueue[Call]) -> None:
        self.path = _place(where, group)
        self._calls = calls
        self._listener = bind(self.path)
        self._closing = False
        self._free = threading.Semaphore(MOST_CLIENTS)
        self._clients: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._accept, name="control", daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                if self._closing:
                    return
                time.sleep(_LOOK_SECONDS)  # no descriptors left: do not spin
                continue
            if self._free.acquire(blocking=False):
                self._serve(client)
            else:
                client.close()

    def _serve(self, client: socket.socket) -> None:
        thread = threading.Thread(target=self._converse, args=(client,), name="control client")
        thread.daemon = True
        self._clients = [one for one in self._clients if one.is_alive()] + [thread]
        thread.start()

    def _converse(self, client: socket.socket) -> None:
        try:
            with client:
                _reply(client, self._answer_to(client))
        except OSError:
            return  # it has gone; what it asked for is done all the same
        finally:
            self._free.release()

    def _answer_to(self, client: socket.socket) -> Answer:
        caller = _caller(client)
        try:
            line = _line(client)  # read in any case: who is reset does not see the answer
            if caller.uid not in (os.geteuid(), 0):
                return _refused(caller)
            call = Call(decode_request(line), caller)
        except ControlError as error:
            return Answer([str(error)], error.exit_code)
        self._calls.put(call)
        while (reply := call.wait(_LOOK_SECONDS)) is None:
            if _has_gone(client):
                raise ConnectionResetError
        return reply

    def close(self) -> None:
        """Take no more, give answers a moment to leave, and remove the socket."""
        self._closing = True
        self.path.unlink(missing_ok=True)
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept
        self._thread.join(IO_SECONDS)
        self._listener.close()
        while not self._calls.empty():
            self._calls.get().answer(Answer(["the supervisor has ended"], 3))
        deadline = time.monotonic() + 1.0
        for thread in self._clients:
            thread.join(max(deadline - time.monotonic(), 0.0))


def _place(where: str, group: str) -> Path:
    if where == "auto":
        path = own_folder() / file_name(group, os.getpid())
        _remove_stale(path.parent)
        return path
    path = Path(where).absolute()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        check_private(path.parent)
    except OSError as error:
        raise ConfigError(f"--control {where}: {error.strerror}") from None
    return path


def _remove_stale(folder: Path) -> None:
    """Sockets that nobody listens on: their supervisors were killed. One whose process lives may
    be about to listen."""
    for path in folder.glob("*.sock"):
        if not _is_running(path) and not is_alive(path):
            path.unlink(missing_ok=True)


def _is_running(path: Path) -> bool:
    """Whether there is a process of the number that the name tells."""
    return Path("/proc", path.suffixes[-2].lstrip(".") if len(path.suffixes) > 1 else "-").exists()


def is_alive(path: Path) -> bool:
    """Whether somebody listens there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.2)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True  # busy, or not ours to judge
    return True


def bind(path: Path) -> socket.socket:
    """A listener at ``path`` with mode 0600 from its first moment on.

    Raises:
        ConfigError: it can't be; somebody listens there already.
    """
    if path.is_socket() and not is_alive(path):
        path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(listener.fileno(), 0o600)  # before bind(2): the file is made with this mode
        listener.bind(str(path))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        why = error.strerror or str(error)  # "AF_UNIX path too long" has no errno
        raise ConfigError(f"no control socket at {path}: {why}; see --control") from None
    return listener


def _caller(client: socket.socket) -> Caller:
    raw = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(raw)
    return Caller(pid, uid)


def _refused(caller: Caller) -> Answer:
    _log.warning("command refused", by_pid=caller.pid, by_uid=caller.uid, reason="another user")
    return Answer(["only the supervisor's own user and root may do that"], 3)


def _line(client: socket.socket) -> bytes:
    """The one line of a client. Raises ``ControlError``: too long, too late, none."""
    line, deadline = Line(MOST_REQUEST_BYTES), time.monotonic() + IO_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        client.settimeout(left)
        try:
            data = client.recv(1 << 16)
        except TimeoutError:
            break
        if not data:
            raise ControlError("the request ended before its line did")
        if (whole := line.feed(data)) is not None:
            return whole
    raise ControlError(f"no request within {IO_SECONDS:g} s")


def _reply(client: socket.socket, answer: Answer) -> None:
    client.settimeout(IO_SECONDS)
    told = Answer([masked(line) for line in answer.lines], answer.exit_code)
    client.sendall(encode_answer(told))


def _has_gone(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return not client.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
