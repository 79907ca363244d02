"""Keeping the books: from incidents to their rows and to what the rollups must gain or lose."""

from datetime import date, datetime, time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.model.clock import settles_at
from pipelines.model.incident import Incident
from pipelines.model.rules import Rules
from pipelines.model.tally import entries_of
from pipelines.store.buckets import SUMMED, bucket_start
from pipelines.store.rollups import Ledger, write
from pipelines.store.rows import IncidentRow, from_ms, incident_from, incident_row, to_ms
from pipelines.store.sheets import HOUR_MS, Slot, line_of, slot_id, start_of
from pipelines.store.store import Writer

_CLOSED = IncidentRow._fields.index("closed_ms") - IncidentRow._fields.index("t0_ms") - 1


class Books:
    """Collects the entries of one transaction: take out the old tally, put in the new.

    An incident is in the rollups with what it counts for once its verdicts no longer change by
    time alone; so they are a function of the facts, and no clock is read to make them.
    """

    def __init__(self, rules: Rules, zone: ZoneInfo) -> None:
        self._rules = rules
        self._zone = zone
        self.ledger = Ledger()

    def enter(self, incident: Incident) -> IncidentRow:
        """Put an incident in; return its row."""
        settles = settles_at(incident, self._rules)
        entries = entries_of(incident, self._rules, now=settles)
        row = incident_row(incident, settles)
        self.post(row, entries)
        return row

    def strike(self, row: Any) -> None:
        """Take out what an incident's former row had put in."""
        incident, settles = incident_from(row), from_ms(row.settles_ms)
        self.post(row, entries_of(incident, self._rules, now=settles), -1)

    def write(self, writer: Writer) -> None:
        """Bring the rollups up to date, within the writer's transaction."""
        write(writer, self.ledger, self._zone)
        self.ledger = Ledger()

    def post(self, row: Any, entries: tuple[int, ...], sign: int = 1) -> None:
        """Put in what an incident's row counts for, or with ``sign`` -1 take it out."""
        _, source, _, kind, _, severity, _, grid, t0_ms, *rest = row
        hour, offset_ms = divmod(t0_ms, HOUR_MS)
        slot, number = _slot(grid, kind or "", source)
        starts = starts_of(hour, t0_ms, self._zone)
        start = start_of(offset_ms, severity, closed=rest[_CLOSED] is not None)
        line = line_of(number, start, entries)
        self.ledger.post(slot, starts, t0_ms - offset_ms, line, sign)


@lru_cache(maxsize=65_536)
def _slot(grid: str, kind: str, source: str) -> tuple[Slot, int]:
    slot = Slot(grid, kind, source)
    return slot, slot_id(slot)


def starts_of(hour: int, t0_ms: int, zone: ZoneInfo) -> tuple[int, ...]:
    """When the buckets that hold a moment begin, by level as in ``SUMMED``."""
    starts = _starts(hour, zone)
    return starts if starts is not None else _starts_exactly(t0_ms, zone)


@lru_cache(maxsize=65_536)
def _starts(hour: int, zone: ZoneInfo) -> tuple[int, ...] | None:
    """The same for a whole hour; None where a day begins within it."""
    first, last = _day_of(hour * HOUR_MS, zone), _day_of((hour + 1) * HOUR_MS - 1, zone)
    return _starts_on(first, zone) if first == last else None


def _starts_exactly(ms: int, zone: ZoneInfo) -> tuple[int, ...]:
    return _starts_on(_day_of(ms, zone), zone)


def _day_of(ms: int, zone: ZoneInfo) -> date:
    return from_ms(ms).astimezone(zone).date()


@lru_cache(maxsize=4096)
def _starts_on(day: date, zone: ZoneInfo) -> tuple[int, ...]:
    """The same for a local day: none of the buckets begins within one."""
    noon = datetime.combine(day, time(12), zone)
    return tuple(to_ms(bucket_start(level, noon, zone)) for level in SUMMED)
