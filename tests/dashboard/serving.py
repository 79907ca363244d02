"""A real server on a free port of this machine."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn

from dashboard.backend import Backend
from dashboard.hub import Hub, Pace
from dashboard.server import create_app


class Server:
    """The product's web side on 127.0.0.1; can be stopped and started again on its port."""

    def __init__(
        self,
        backend: Backend,
        *,
        build: str = "test",
        pace: Pace | None = None,
        app: Any = None,
    ) -> None:
        self._whole = app
        self._backend = backend
        self._pace = pace
        self.build = build
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def hub(self) -> Hub:
        """The hub of the server that runs now."""
        hub: Hub = self._app.state.hub
        return hub

    def tasks(self) -> int:
        """How many tasks run in the server's event loop."""
        loop = self._uvicorn.servers[0].get_loop()
        counted = asyncio.run_coroutine_threadsafe(_count_tasks(), loop)
        return counted.result(timeout=10)

    def start(self) -> None:
        """Listen, and return when the server answers."""
        self._app = self._whole or create_app(self._backend, build=self.build, pace=self._pace)
        self._door = _Door(self.port)
        self.port = self._door.getsockname()[1]
        config = uvicorn.Config(self._app, log_level="critical", timeout_graceful_shutdown=0)
        self._uvicorn = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._uvicorn.run, args=([self._door],), daemon=True)
        self._thread.start()
        while not self._uvicorn.started:
            if not self._thread.is_alive():
                raise RuntimeError(f"the server did not start on port {self.port}")
            time.sleep(0.01)

    def stop(self) -> None:
        """Drop all connections and stop listening."""
        self._uvicorn.should_exit = True
        self._thread.join(timeout=10)
        self._door.shut()


async def _count_tasks() -> int:
    return len(asyncio.all_tasks())


_LEFT: list[int] = []
"""Ports that servers of this process had. A browser has compiled what it got from there."""


class _Door(socket.socket):
    """Listens, and remembers whom it let in.

    An event loop that ends while it lets somebody in says nothing to them: a browser would wait
    for an answer, also from the next server on this port.
    """

    def __init__(self, port: int = 0) -> None:
        """On a port of before, or on any that is free where none is given."""
        super().__init__(socket.AF_INET, socket.SOCK_STREAM)
        self._let_in: list[socket.socket] = []
        self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for one in (port,) if port else (*_LEFT, 0):
            try:
                self.bind(("127.0.0.1", one))
            except OSError:
                if one == port:
                    raise
            else:
                if one in _LEFT:
                    _LEFT.remove(one)
                return

    def accept(self) -> tuple[socket.socket, Any]:
        """As every socket does."""
        connection, address = super().accept()
        self._let_in.append(connection)
        return connection, address

    def shut(self) -> None:
        """Let nobody wait any more."""
        for connection in (*self._let_in, self):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


@contextmanager
def serving(backend: Backend, *, pace: Pace | None = None, app: Any = None) -> Iterator[Server]:
    """A server for as long as the block lasts."""
    server = Server(backend, pace=pace, app=app)
    try:
        yield server
    finally:
        server.stop()
        _LEFT.append(server.port)
