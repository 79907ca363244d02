"""Keeping the books: from incidents to their rows and to what the rollups must gain or lose."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.model.clock import Rules, settles_at
from pipelines.model.incident import Incident
from pipelines.model.tally import Tally, tally_of, total
from pipelines.store.buckets import Level, bucket_start
from pipelines.store.rows import IncidentRow, from_ms, incident_from, incident_row, to_ms
from pipelines.store.store import Cell

_ENTRIES_MOST = 256
"""How many tallies a cell holds before they are added up: rebuilding enters a whole history."""


class Books:
    """Collects the entries of one transaction: take out the old tally, put in the new.

    Only an incident whose verdicts no longer change by time alone is in the rollups, with its
    final tally; so they are a function of the facts, and no clock is read to make them.
    """

    def __init__(self, rules: Rules, zone: ZoneInfo) -> None:
        self._rules = rules
        self._zone = zone
        self._cells: dict[Cell, list[Tally]] = {}

    @property
    def deltas(self) -> Mapping[Cell, Tally]:
        """What each rollup cell gains, or loses where it is negative; zeros are left out."""
        # most cells have one entry, which is its own sum
        nets = {cell: t[0] if len(t) == 1 else total(t) for cell, t in self._cells.items()}
        return {cell: tally for cell, tally in nets.items() if tally}

    def enter(self, incident: Incident) -> IncidentRow:
        """Put an incident in; return its row."""
        settles = settles_at(incident, self._rules)
        if settles is not None:
            self._post(incident, settles, sign=1)
        return incident_row(incident, settles)

    def strike(self, row: Any) -> None:
        """Take out what an incident's former row had put in."""
        if row.settles_ms is not None:
            self._post(incident_from(row), from_ms(row.settles_ms), sign=-1)

    def _post(self, incident: Incident, settles: datetime, *, sign: int) -> None:
        final = tally_of(incident, self._rules, now=settles, source_alive=True)
        entry = final if sign > 0 else -final
        place = (incident.grid, incident.kind or "", incident.source)
        for level in Level:
            start = bucket_start(level, incident.t0.at, self._zone)
            entries = self._cells.setdefault((int(level), to_ms(start), *place), [])
            entries.append(entry)
            if len(entries) > _ENTRIES_MOST:
                entries[:] = [total(entries)]
