"""Freezing by itself: every closed month, as soon as it is due."""

import logging
from collections.abc import Callable

from pipelines.clock import Clock
from pipelines.figures.freezing import due, freeze
from pipelines.host.rounds import Round
from pipelines.installation import Installation
from pipelines.store.store import Writer

logger = logging.getLogger(__name__)

_LOOK_S = 600.0
_FIRST_LOOK_S = 30.0


class Freezer:
    """Looks whether a month is due, and freezes it.

    ``guard`` may refuse the transaction that writes, with LeaseLostError.
    """

    def __init__(
        self, installation: Installation, guard: Callable[[Writer], None], clock: Clock
    ) -> None:
        self._installation = installation
        self._guard = guard
        self._clock = clock

    def round(self) -> Round:
        """Looking soon, and then every ten minutes."""
        return Round("freezer", self.look, every_s=_LOOK_S, first_s=_FIRST_LOOK_S)

    def look(self) -> list[str]:
        """Freeze every month that is due; return which."""
        now = self._clock.now()
        with self._installation.store.reading() as reader:
            months = due(reader, self._installation, now=now)
        for month in months:
            frozen = freeze(self._installation, month, now=now, guard=self._guard)
            logger.info("the figures of %s are frozen: %s", month, frozen.hash)
        return months
