"""How much of what is no frame is kept, so that a flood of garbage fills no disk and no log."""

import logging
from dataclasses import dataclass

logger = logging.getLogger(__name__)

_SAY_AGAIN_S = 3600.0


@dataclass(kw_only=True)
class Budget:
    """So many at once, and so many an hour in the long run."""

    at_once: int
    per_hour: int

    def __post_init__(self) -> None:
        self._left = float(self.at_once)
        self._seen = 0.0

    def takes(self, now_s: float) -> bool:
        """Whether one more is within the budget; then it is spent."""
        if self._left < self.at_once:
            regained = (now_s - self._seen) * self.per_hour / 3600
            self._left = min(self.at_once, self._left + regained)
        self._seen = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True


def of_peer() -> Budget:
    """What one connection may bring to quarantine: a bad line shows itself with less."""
    return Budget(at_once=20, per_hour=120)


class Refusals:
    """What all connections together may bring to quarantine, and what is said of the rest.

    1,200 an hour of at most 2 kB each are less than 60 MB a day, whoever sends what.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._budget = Budget(at_once=500, per_hour=1200)
        self._dropped = 0
        self._said_at: float | None = None

    def keeps(self, own: Budget, peer: str, now_s: float) -> bool:
        """Whether a bad frame of this peer is kept; ``own`` is the budget of its connection."""
        if own.takes(now_s) and self._budget.takes(now_s):
            return True
        self._note("bad frames", 1, peer, now_s)
        return False

    def noise(self, size: int, peer: str, now_s: float) -> None:
        """So many bytes of a connection that has ended were in no good frame."""
        if size:
            self._note("bytes that are in no frame", size, peer, now_s)

    def _note(self, what: str, number: int, peer: str, now_s: float) -> None:
        self._dropped += number
        if self._said_at is not None and now_s - self._said_at < _SAY_AGAIN_S:
            return
        self._said_at = now_s
        logger.warning(
            "%s: %d %s were not kept since this was last said, the latest from %s; "
            "it is said at most once an hour",
            self._where,
            self._dropped,
            what,
            peer,
        )
        self._dropped = 0
