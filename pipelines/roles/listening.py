"""Keeping every listener listening, whatever happens to one of them."""

import asyncio
import logging
import threading
from collections.abc import Coroutine
from typing import Any

from pipelines.clock import Clock
from pipelines.door.gateway import Gateway, SourceLine
from pipelines.errors import SourceConfigError, SourceUnavailableError
from pipelines.feeds.health import Health
from pipelines.feeds.sources import Source

logger = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 15.0


class Listening:
    """One thread with one event loop, in which every listener has a task.

    A listener that ends with an error begins anew after a pause that grows; one that cannot work
    as configured stays stopped. The others do not notice. A source is taken and dropped while the
    others are listened to.
    """

    def __init__(self, gateway: Gateway, health: Health, clock: Clock) -> None:
        self._gateway = gateway
        self._health = health
        self._clock = clock
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listening", daemon=True)

    @property
    def hears(self) -> frozenset[str]:
        """The sources that are listened to, or that are tried again."""
        return frozenset(name for name, task in list(self._tasks.items()) if not task.done())

    def start(self) -> None:
        """Be ready to listen."""
        self._thread.start()
        self._started.wait()

    def take(self, source: Source) -> None:
        """Begin to listen to a source; nothing happens when it is none that is listened to."""
        if source.listener is not None:
            self._await(self._begin(source))

    def drop(self, source: Source) -> None:
        """Stop listening to a source; what it delivered is still stored."""
        if source.listener is not None:
            self._await(self._finish(source.id))

    def stop(self) -> None:
        """Stop listening; what was delivered is still stored."""
        if self._loop is None or self._ended is None or not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    def _await(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _run(self) -> None:
        asyncio.run(self._listen())

    async def _listen(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._started.set()
        await self._ended.wait()
        for name in list(self._tasks):
            await self._finish(name)

    async def _begin(self, source: Source) -> None:
        await self._finish(source.id)
        self._tasks[source.id] = asyncio.create_task(
            self._supervise(source), name=f"listen {source.id}"
        )

    async def _finish(self, name: str) -> None:
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _supervise(self, source: Source) -> None:
        line = SourceLine(source, self._gateway, self._health, self._clock)
        pause = FIRST_PAUSE_S
        while True:
            began = asyncio.get_running_loop().time()
            if not await self._listen_once(source, line):
                return
            if asyncio.get_running_loop().time() - began > LONGEST_PAUSE_S:
                pause = FIRST_PAUSE_S
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _listen_once(self, source: Source, line: SourceLine) -> bool:
        """Listen until it ends; whether it is worth beginning anew."""
        assert source.listener is not None
        try:
            await source.listener.listen(line)
        except SourceConfigError as error:
            line.down(str(error))
            return False
        except SourceUnavailableError as error:
            line.down(str(error))
        except Exception as error:
            logger.exception("source %s: listening failed", source.id)
            line.down(f"internal error: {type(error).__name__}")
        else:
            line.down("stopped listening")
        return True
