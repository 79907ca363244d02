"""Retention: removing what names people when its term has passed, without changing any figure.

Two terms. After ``keep_raw`` the bytes of a record go: of reports, device signals and quarantine
entries. After ``keep_words`` an incident's titles, addresses and doubtful values go, from its
reports and from itself. Both count from the *last* record of an incident, so that one that is
still talked about stays whole.

What remains is all that a figure is made of: ids and digests, stamps with their provenance, kind,
severity, unit, grid and position, reasons of exclusion, the number of doubts; the rollups, sheets
and frozen months. So ``app.py db rebuild`` gives the same figures afterwards, ``db verify`` proves
them, and a record that is sent again is still known.
"""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import and_, func, or_, select, update

from pipelines.clock import Clock
from pipelines.host.rounds import Round
from pipelines.privacy.privacy_settings import PrivacySettings
from pipelines.store import schema
from pipelines.store.rows import to_ms
from pipelines.store.store import Reader, Store, Writer

logger = logging.getLogger(__name__)

CHUNK = 500
"""How many incidents one transaction is about: whoever waits for the store waits a moment."""
_FIRST_LOOK_S = 60.0
_LOOK_S = 3600.0
_REMOVED = "…"
_RAW_DONE, _WORDS_DONE = "retention:raw", "retention:words"
"""Until when records had been received that have been dealt with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Purge:
    """What was removed, or would be: rows of which something personal is gone."""

    raw_reports: int = 0
    raw_signals: int = 0
    quarantined: int = 0
    worded_reports: int = 0
    worded_incidents: int = 0
    worded_remarks: int = 0

    @property
    def anything(self) -> bool:
        """Whether there was anything to remove."""
        return any(self.as_dict().values())

    def as_dict(self) -> dict[str, int]:
        """The numbers by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


class _DryRun(Exception):  # noqa: N818 - it is no error: it takes a transaction back
    """Takes back what a dry run has done."""


def purge(
    store: Store,
    terms: PrivacySettings,
    *,
    now: datetime,
    dry_run: bool = False,
    thorough: bool = False,
    guard: Callable[[Writer], None] = lambda _: None,
) -> Purge:
    """Remove what is past its term; return how much. A dry run removes nothing and says the same.

    Broken off, it goes on where it was. It looks at what has passed its term since the last time,
    or with ``thorough`` at everything. ``guard`` may refuse a transaction, with LeaseLostError.
    """
    work = _Work(store, guard, dry_run=dry_run, thorough=thorough)
    raw_reports = raw_signals = quarantined = worded_reports = worded_incidents = 0
    worded_remarks = 0
    if terms.keep_raw is not None:
        cutoff = to_ms(now - terms.keep_raw)
        for ids in work.incidents(_RAW_DONE, cutoff):
            raw_reports += work.do(partial(_drop_raw, ids=ids))
        raw_signals = work.do(partial(_drop_signals, cutoff=cutoff))
        quarantined = work.do(partial(_drop_quarantined, cutoff=cutoff))
        work.note(_RAW_DONE, cutoff)
    if terms.keep_words is not None:
        cutoff = to_ms(now - terms.keep_words)
        for ids in work.incidents(_WORDS_DONE, cutoff):
            worded_reports += work.do(partial(_drop_said, ids=ids))
            worded_incidents += work.do(partial(_drop_words, ids=ids))
        worded_remarks = work.do(partial(_drop_remarks, cutoff=cutoff))
        work.note(_WORDS_DONE, cutoff)
    return Purge(
        raw_reports=raw_reports,
        raw_signals=raw_signals,
        quarantined=quarantined,
        worded_reports=worded_reports,
        worded_incidents=worded_incidents,
        worded_remarks=worded_remarks,
    )


class _Work:
    """Transactions of a purge, each small; those of a dry run are taken back."""

    def __init__(
        self, store: Store, guard: Callable[[Writer], None], *, dry_run: bool, thorough: bool
    ) -> None:
        self._store = store
        self._guard = guard
        self._dry_run = dry_run
        self._thorough = thorough

    def incidents(self, done: str, cutoff: int) -> Iterator[Sequence[str]]:
        """The incidents whose last record has passed its term since the last time, in chunks."""
        with self._store.reading() as reader:
            since = 0 if self._thorough else int(reader.meta(done) or 0)
            ids = _past(reader, since, cutoff)
        for i in range(0, len(ids), CHUNK):
            yield ids[i : i + CHUNK]

    def note(self, done: str, cutoff: int) -> None:
        """Remember how far this has come, so that the next time begins there."""

        def put(writer: Writer) -> int:
            writer.put_meta(done, str(cutoff))
            return 1

        self.do(put)

    def do(self, change: Callable[[Writer], int]) -> int:
        """One transaction."""
        changed = 0
        try:
            with self._store.writing() as writer:
                self._guard(writer)
                changed = change(writer)
                if self._dry_run:
                    raise _DryRun
        except _DryRun:
            pass
        return changed


def _past(reader: Reader, since: int, cutoff: int) -> list[str]:
    table = schema.report.c
    passed = select(table.incident_id).where(table.recorded_ms.between(since, cutoff - 1))
    later = select(table.incident_id).where(table.recorded_ms >= cutoff)
    query = passed.distinct().where(table.incident_id.not_in(later)).order_by(table.incident_id)
    return [row.incident_id for row in reader.rows(query)]


def _has_raw() -> Any:
    return func.length(schema.report.c.raw) > 0


def _has_words() -> Any:
    table = schema.report.c
    doubts = and_(table.flags.is_not(None), table.flags.not_like(f'%"{_REMOVED}"%'))
    return or_(table.title.is_not(None), table.address.is_not(None), doubts)


def _drop_raw(writer: Writer, *, ids: Sequence[str]) -> int:
    of_these = schema.report.c.incident_id.in_(ids)
    return writer.change(update(schema.report).where(of_these, _has_raw()).values(raw=b""))


def _drop_signals(writer: Writer, *, cutoff: int) -> int:
    table = schema.signal
    old = and_(table.c.recorded_ms < cutoff, func.length(table.c.raw) > 0)
    return writer.change(update(table).where(old).values(raw=b""))


def _drop_remarks(writer: Writer, *, cutoff: int) -> int:
    """What people wrote; that they did, and when, remains."""
    table = schema.remark
    query = update(table).where(table.c.at_ms <= cutoff, func.length(table.c.raw) > 0)
    return writer.change(query.values(text=_REMOVED, raw=b""))


def _drop_quarantined(writer: Writer, *, cutoff: int) -> int:
    table = schema.quarantine
    left = or_(func.length(table.c.raw) > 0, table.c.value != "")
    old = and_(table.c.received_ms < cutoff, left)
    return writer.change(update(table).where(old).values(raw=b"", value=""))


def _drop_said(writer: Writer, *, ids: Sequence[str]) -> int:
    table = schema.report
    query = select(table.c.incident_id, table.c.report_id, table.c.flags).where(
        table.c.incident_id.in_(ids), _has_words()
    )
    rows = writer.rows(query)
    for row in rows:
        this = and_(table.c.incident_id == row.incident_id, table.c.report_id == row.report_id)
        flags = None if row.flags is None else _without_values(row.flags)
        writer.change(update(table).where(this).values(title=None, address=None, flags=flags))
    return len(rows)


def _without_values(flags: str) -> str:
    """The doubts about a report, as many as there were, without what was doubtful."""
    doubts = [[column, _REMOVED, rule] for column, _, rule in json.loads(flags)]
    return json.dumps(doubts, ensure_ascii=False)


def _drop_words(writer: Writer, *, ids: Sequence[str]) -> int:
    table = schema.incident
    left = or_(table.c.title.is_not(None), table.c.address.is_not(None))
    of_these = and_(table.c.id.in_(ids), left)
    return writer.change(update(table).where(of_these).values(title=None, address=None))


Told = Callable[[Purge, datetime], None]
"""What is told of every purge that removed something, and when it was."""


def logged(removed: Purge, now: datetime) -> None:
    """Put it into the process's own log."""
    logger.info("removed after its term: %s", removed.as_dict())


class Purger:
    """Removes what is past its term.

    ``guard`` may refuse the transaction that writes, with LeaseLostError.
    """

    def __init__(
        self,
        store: Store,
        terms: PrivacySettings,
        guard: Callable[[Writer], None],
        clock: Clock,
        told: Told = logged,
    ) -> None:
        self._store = store
        self._terms = terms
        self._guard = guard
        self._clock = clock
        self._told = told

    def round(self, *, first_s: float = _FIRST_LOOK_S) -> Round:
        """Looking soon, and then every hour."""
        return Round("purger", self.look, every_s=_LOOK_S, first_s=first_s)

    def look(self) -> Purge:
        """Remove what is past its term; return how much."""
        now = self._clock.now()
        removed = purge(self._store, self._terms, now=now, guard=self._guard)
        self._told(removed, now)
        return removed
