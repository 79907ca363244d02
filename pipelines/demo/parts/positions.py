"""The platform that knows where units are: it pushes what their devices say."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pipelines.demo.model.case import Message
from pipelines.demo.model.positions import gcj02
from pipelines.demo.model.street import Street
from pipelines.demo.model.trips import POSITIONS, Ways
from pipelines.demo.parts.pushes import Pushes

_EVERY = timedelta(seconds=30)


class UnitPositions(Pushes):
    """Pushes where each unit is, twice a minute. What was not taken in is no news any more."""

    def __init__(self, url: str, *, secret: str, street: Street) -> None:
        super().__init__(url, secret=secret, written=_written)
        self._ways = Ways(street)
        self._said_at: datetime | None = None
        self._is_over = False

    @property
    def waiting(self) -> int:
        """Nothing: a position that is late is not missed."""
        return 0

    def take(self, messages: Sequence[Message], now: datetime) -> None:
        """Learn where units are sent; say where all are when that is due."""
        self._ways.learn(messages)
        is_due = self._said_at is None or now - self._said_at >= _EVERY
        if self._is_over or not is_due or super().waiting:
            return
        self._said_at = now
        spots = self._ways.at(now).items()
        super().take([Message(now, POSITIONS, {"unit": u, "point": p}) for u, p in spots], now)

    def finish(self) -> None:
        """Let no device report any more."""
        self._is_over = True


def _written(message: Message, _now: datetime) -> Mapping[str, Any]:
    point = gcj02(message.body["point"])
    time = int(message.at.timestamp() * 1000)
    return {"unit": message.body["unit"], "lat": point.lat, "lng": point.lon, "time": time}
