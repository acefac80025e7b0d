"""A TCP proxy in front of a broker that can be made a bad network, in a thread of its own."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any

_CHUNK = 1 << 16


class Proxy:
    """Passes connections on from ``port`` to ``target``, both on loopback. A context manager.

    Every method takes effect at once, for the connections that are open too.

    Attributes:
        connections: how many were accepted.
        bytes_up, bytes_down: how much clients have sent to the target, and it to them.
    """

    def __init__(self, port: int, target: int) -> None:
        self.address = f"127.0.0.1:{port}"
        self.connections = self.bytes_up = self.bytes_down = 0
        self._port, self._target = port, target
        self._latency = 0.0
        self._up, self._down = asyncio.Event(), asyncio.Event()
        self._refusing = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy")

    def __enter__(self) -> "Proxy":
        self._thread.start()
        self._call(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # -- what a test may do ------------------------------------------------------------

    def mend(self) -> None:
        """A good network again. What was held back on open connections flows on."""
        self._call(self._set(latency=0.0, up=True, down=True, refusing=False))

    def slow_down(self, seconds: float) -> None:
        """Each chunk takes so much longer, either way."""
        self._call(self._set(latency=seconds, up=True, down=True, refusing=False))

    def swallow(self) -> None:
        """A black hole: connections are accepted, nothing passes, nobody is told."""
        self._call(self._set(latency=0.0, up=False, down=False, refusing=False))

    def swallow_answers(self) -> None:
        """Half open: requests arrive, their answers don't."""
        self._call(self._set(latency=0.0, up=True, down=False, refusing=False))

    def reset(self) -> None:
        """RST on every connection that is open; new ones are welcome."""
        self._call(self._reset())

    def refuse(self) -> None:
        """RST on every connection, open or new."""
        self._call(self._set(latency=0.0, up=True, down=True, refusing=True))
        self._call(self._reset())

    # -- inside the loop ---------------------------------------------------------------

    def _call(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    async def _open(self) -> None:
        self._up.set()
        self._down.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)

    async def _set(self, *, latency: float, up: bool, down: bool, refusing: bool) -> None:
        self._latency, self._refusing = latency, refusing
        for event, passes in ((self._up, up), (self._down, down)):
            event.set() if passes else event.clear()

    async def _reset(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self._refusing:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:  # the broker is not there
            writer.transport.abort()
            return
        pair = {writer, far_writer}
        self._writers |= pair
        passing = {
            asyncio.create_task(self._pass(reader, far_writer, self._up)),
            asyncio.create_task(self._pass(far_reader, writer, self._down)),
        }
        await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
        for one in pair:
            one.transport.abort()
        for task in passing:
            task.cancel()
        await asyncio.gather(*passing, return_exceptions=True)
        self._writers -= pair

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                self._count(len(data), gate)
                if self._latency:
                    await asyncio.sleep(self._latency)
                await gate.wait()
                writer.write(data)
                await writer.drain()

    def _count(self, length: int, gate: asyncio.Event) -> None:
        if gate is self._up:
            self.bytes_up += length
        else:
            self.bytes_down += length

    async def _close(self) -> None:
        self._server.close()
        await self._reset()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
