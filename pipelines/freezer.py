"""Freezing by itself: every closed month, as soon as it is due."""

import logging
import threading
from collections.abc import Callable

from pipelines.clock import Clock
from pipelines.freezing import due, freeze
from pipelines.installation import Installation
from pipelines.lease import LeaseLostError
from pipelines.store.store import Writer

logger = logging.getLogger(__name__)

_LOOK_S = 600.0
_FIRST_LOOK_S = 30.0


class Freezer:
    """Looks from time to time whether a month is due, in a thread of its own, and freezes it.

    ``guard`` may refuse the transaction that writes, with LeaseLostError.
    """

    def __init__(
        self,
        installation: Installation,
        guard: Callable[[Writer], None],
        clock: Clock,
        *,
        first_look_s: float = _FIRST_LOOK_S,
    ) -> None:
        self._installation = installation
        self._guard = guard
        self._clock = clock
        self._first_look_s = first_look_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="freezer", daemon=True)

    def start(self) -> None:
        """Look soon, and then every ten minutes."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; a month that is being frozen is finished first."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        pause_s = self._first_look_s
        while not self._stopped.wait(pause_s):
            pause_s = _LOOK_S
            try:
                self.look()
            except LeaseLostError:
                return  # another process does it now
            except Exception:
                logger.exception("freezing failed; it is tried again in ten minutes")

    def look(self) -> list[str]:
        """Freeze every month that is due; return which."""
        now = self._clock.now()
        with self._installation.store.reading() as reader:
            months = due(reader, self._installation, now=now)
        for month in months:
            frozen = freeze(self._installation, month, now=now, guard=self._guard)
            logger.info("the figures of %s are frozen: %s", month, frozen.hash)
        return months
