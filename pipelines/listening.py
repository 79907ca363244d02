"""Keeping every listener listening, whatever happens to one of them."""

import asyncio
import logging
import threading
from collections.abc import Sequence
from contextlib import suppress

from pipelines.clock import Clock
from pipelines.errors import SourceConfigError, SourceUnavailableError
from pipelines.gateway import Gateway, SourceLine
from pipelines.health import Health
from pipelines.sources import Source

logger = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 15.0


class Listening:
    """One thread with one event loop, in which every listener has a task.

    A listener that ends with an error begins anew after a pause that grows; one that cannot work
    as configured stays stopped. The others do not notice.
    """

    def __init__(
        self, sources: Sequence[Source], gateway: Gateway, health: Health, clock: Clock
    ) -> None:
        self._sources = [source for source in sources if source.listener is not None]
        self._gateway = gateway
        self._health = health
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listening", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        if self._sources:
            self._thread.start()
            self._started.wait()

    def stop(self) -> None:
        """Stop listening; what was delivered is still stored."""
        if self._loop is None or self._main is None:
            return
        with suppress(RuntimeError):  # every listener had stopped by itself
            self._loop.call_soon_threadsafe(self._main.cancel)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._listen())
        except asyncio.CancelledError:
            pass
        finally:
            self._started.set()

    async def _listen(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._main = asyncio.current_task()
        self._started.set()
        async with asyncio.TaskGroup() as group:
            for source in self._sources:
                group.create_task(self._supervise(source), name=f"listen {source.id}")

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
