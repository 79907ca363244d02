"""Binding the sheets of days that are over, beside the door: what is taken in does not wait for it.

The door takes the volume of a day away when it writes on one of its sheets; here it is bound anew
(:mod:`pipelines.store.volumes`). Nothing depends on when that happens but how fast figures are.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from pipelines.clock import Clock
from pipelines.host.rounds import Round
from pipelines.store.rows import to_ms
from pipelines.store.store import Reader, Store, Writer
from pipelines.store.volumes import DAY_MS, bind, unbound_days

RESTS = timedelta(hours=6)
"""How long ago a day must have ended: of one that has just, much is still to be said."""
DAYS_AT_ONCE = 10
"""In one transaction: whoever waits for the store waits a moment."""
_LOOK_S = 300.0
_FIRST_LOOK_S = 20.0


class Binder:
    """Looks for days to bind, and binds them.

    ``guard`` may refuse the transaction that writes, with LeaseLostError.
    """

    def __init__(self, store: Store, guard: Callable[[Writer], None], clock: Clock) -> None:
        self._store = store
        self._guard = guard
        self._clock = clock
        self._round = Round("binder", self.look, every_s=_LOOK_S, first_s=_FIRST_LOOK_S)

    def round(self) -> Round:
        """Looking soon, and then every five minutes."""
        return self._round

    def look(self) -> int:
        """Bind every day that is due, as long as the round is not stopped; return how many."""
        with self._store.reading() as reader:
            days = due(reader, self._clock.now())
        for i in range(0, len(days), DAYS_AT_ONCE):
            if self._round.is_stopping:
                return i
            self._bind(days[i : i + DAYS_AT_ONCE])
        return len(days)

    def _bind(self, days: Sequence[int]) -> None:
        def work(writer: Writer) -> None:
            self._guard(writer)
            writer.await_turn()
            bind(writer, days)

        self._store.taking_in(work, quiet=True)


def due(reader: Reader, now: datetime) -> list[int]:
    """When the days begin that are over and to be bound."""
    return [day for day in unbound_days(reader) if day + DAY_MS <= to_ms(now - RESTS)]


def bind_all(writer: Writer) -> None:
    """Bind every day there is, for whoever has just made all of them."""
    days = unbound_days(writer)
    for i in range(0, len(days), DAYS_AT_ONCE):
        bind(writer, days[i : i + DAYS_AT_ONCE])
