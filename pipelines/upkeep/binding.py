"""Binding days and summing months that are over, beside the door: it does not wait for it.

The door takes the volume of a day away when it writes on one of its sheets, and the mark of its
month; here the day is bound anew (:mod:`pipelines.store.volumes`), and the month summed anew by
shift and by state (:mod:`pipelines.store.strata`). Nothing depends on when that happens but how
fast figures are.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from pipelines.clock import Clock
from pipelines.figures.groups import Desk
from pipelines.figures.shifts import Turns, shift_key, told_by
from pipelines.host.rounds import Round
from pipelines.store.buckets import Level, bucket_end
from pipelines.store.rows import to_ms
from pipelines.store.store import Reader, Store, Writer
from pipelines.store.strata import COMBINATIONS, Cut, Telling, marked
from pipelines.store.stratifying import days_in, is_right, stratify, summable
from pipelines.store.volumes import DAY_MS, bind, unbound_days

RESTS = timedelta(hours=6)
"""How long ago a day or month must have ended: of one that has just, much is still to be said."""
DAYS_AT_ONCE = 10
"""In one transaction: whoever waits for the store waits a moment."""
_LOOK_S = 300.0
_FIRST_LOOK_S = 20.0


class Work(NamedTuple):
    """A month or year to be summed by a cut."""

    cut: Cut
    level: Level
    start: datetime


class Binder:
    """Looks for days to bind and months to sum, and does it.

    ``guard`` may refuse the transaction that writes, with LeaseLostError.
    """

    def __init__(
        self, store: Store, desk: Desk, guard: Callable[[Writer], None], clock: Clock
    ) -> None:
        self._store = store
        self._desk = desk
        self._guard = guard
        self._clock = clock
        self._round = Round("binder", self.look, every_s=_LOOK_S, first_s=_FIRST_LOOK_S)

    def round(self) -> Round:
        """Looking soon, and then every five minutes."""
        return self._round

    def look(self) -> int:
        """Do all that is due, as long as the round is not stopped; return how many were bound."""
        with self._store.reading() as reader:
            days = due(reader, self._clock.now())
        for i in range(0, len(days), DAYS_AT_ONCE):
            if self._round.is_stopping:
                return i
            self._do(partial(bind, days=days[i : i + DAYS_AT_ONCE]))
        with self._store.reading() as reader:
            months = due_sums(reader, self._desk, self._clock.now())
        for work in months:
            if self._round.is_stopping:
                break
            self._do(partial(_sum, work=work, desk=self._desk))
        return len(days)

    def _do(self, work: Callable[[Writer], None]) -> None:
        def guarded(writer: Writer) -> None:
            self._guard(writer)
            writer.await_turn()
            work(writer)

        self._store.taking_in(guarded, quiet=True)


def due(reader: Reader, now: datetime) -> list[int]:
    """When the days begin that are over and to be bound."""
    return [day for day in unbound_days(reader) if day + DAY_MS <= to_ms(now - RESTS)]


def due_sums(reader: Reader, desk: Desk, now: datetime | None = None) -> list[Work]:
    """The months that are over and not summed, then the years; all of them without ``now``."""
    found: list[Work] = []
    days = days_in(reader)
    for cut, told in _cuts(desk).items():
        for level in COMBINATIONS[cut]:
            starts = summable(days, level, desk.zone)
            done = set(marked(reader, cut, told, level))
            found += (
                Work(cut, level, start)
                for start in starts
                if start not in done
                and (now is None or bucket_end(level, start, desk.zone) <= now - RESTS)
            )
    return found


def _cuts(desk: Desk) -> dict[Cut, str]:
    """What sums are kept by, and what that depends on."""
    keys = list(dict.fromkeys(map(shift_key, desk.shifts)))
    by_shift = dict.fromkeys((Cut.SHIFT, Cut.BOTH), told_by(keys)) if keys else {}
    return {Cut.STATE: "", **by_shift}


def _telling(work: Work, desk: Desk) -> Telling:
    if work.cut is Cut.STATE:
        return Telling(Cut.STATE)
    span = work.start, bucket_end(work.level, work.start, desk.zone)
    return Turns(span, desk.shifts, desk.zone).telling(work.cut)


def _sum(writer: Writer, work: Work, desk: Desk) -> None:
    """Sum a month; or a year, unless one of its months was written on a moment ago."""
    if work.level is Level.YEAR and not _are_summed(writer, work, desk):
        return
    stratify(writer, _telling(work, desk), work.level, work.start, desk.zone)


def _are_summed(reader: Reader, work: Work, desk: Desk) -> bool:
    """Whether all months of a year are."""
    begin, end = work.start, bucket_end(Level.YEAR, work.start, desk.zone)
    months = summable(days_in(reader), Level.MONTH, desk.zone)
    every = {start for start in months if begin <= start < end}
    return every <= set(marked(reader, work.cut, _cuts(desk)[work.cut], Level.MONTH))


def wrong_sums(reader: Reader, desk: Desk) -> Iterator[str]:
    """The months and years whose sums say something else than their lines."""
    for cut, told in _cuts(desk).items():
        for level in COMBINATIONS[cut]:
            for start in marked(reader, cut, told, level):
                work = Work(cut, level, start)
                if not is_right(reader, _telling(work, desk), level, start, desk.zone):
                    yield f"{cut.name.lower()} {level.name.lower()} {to_ms(start)}"


def bind_all(writer: Writer, desk: Desk) -> None:
    """Bind and sum all there is, for whoever has just made all of it."""
    days = unbound_days(writer)
    for i in range(0, len(days), DAYS_AT_ONCE):
        bind(writer, days[i : i + DAYS_AT_ONCE])
    for work in due_sums(writer, desk):
        _sum(writer, work, desk)
