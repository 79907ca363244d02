"""A real server on a free port of this machine."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
        self.port = _free_port()
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
        config = uvicorn.Config(
            self._app,
            host="127.0.0.1",
            port=self.port,
            log_level="critical",
            timeout_graceful_shutdown=0,
        )
        self._uvicorn = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._uvicorn.run, daemon=True)
        self._thread.start()
        while not self._uvicorn.started:
            if not self._thread.is_alive():
                raise RuntimeError(f"the server did not start on port {self.port}")
            time.sleep(0.01)

    def stop(self) -> None:
        """Drop all connections and stop listening."""
        self._uvicorn.should_exit = True
        self._thread.join(timeout=10)


async def _count_tasks() -> int:
    return len(asyncio.all_tasks())


_LEFT: list[int] = []
"""Ports that servers of this process had. A browser has compiled what it got from there."""


def _free_port() -> int:
    for port in (*_LEFT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
        if port:
            _LEFT.remove(port)
        return found
    raise RuntimeError("no port of this machine is free")


@contextmanager
def serving(backend: Backend, *, pace: Pace | None = None, app: Any = None) -> Iterator[Server]:
    """A server for as long as the block lasts."""
    server = Server(backend, pace=pace, app=app)
    try:
        yield server
    finally:
        server.stop()
        _LEFT.append(server.port)
