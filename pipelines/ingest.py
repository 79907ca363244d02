"""The one door: every record of every source comes in here.

One call is one transaction: decode, set bad records aside, drop what is known, locate, fold into
incidents, correct the tallies, advance the position. All of it is on disk or none.
Sending anything twice, in any order, changes nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.books import Books
from pipelines.connectors.record import Batch, Record, content_of
from pipelines.errors import BadRecordError
from pipelines.geo.grids import Grids
from pipelines.geo.placing import placed
from pipelines.model.clock import Rules
from pipelines.model.fact import Flag, Statement
from pipelines.model.incident import fold
from pipelines.model.incident import incident_id as id_of
from pipelines.model.place import Place
from pipelines.receipt import PROBLEMS_KEPT, Counts, Problem
from pipelines.replay import seen
from pipelines.sources import Source
from pipelines.store import schema
from pipelines.store.rows import (
    fact_rows,
    report_row,
    to_ms,
)
from pipelines.store.store import Store, Writer


@dataclass(frozen=True, slots=True)
class _Bad:
    """A record for the quarantine, with its error."""

    record: Record
    error: BadRecordError
    content: bytes


class Door:
    """Takes batches of records into the store."""

    def __init__(self, store: Store, *, rules: Rules, grids: Grids, zone: ZoneInfo) -> None:
        self._store = store
        self._rules = rules
        self._grids = grids
        self._zone = zone

    def accept(self, source: Source, batch: Batch, *, now: datetime) -> Counts:
        """Store a batch and the position behind it, in one transaction; return the counts.

        ``now`` is when the records were received.
        """
        received_at = now.replace(microsecond=now.microsecond // 1000 * 1000)
        said, bad = self.decode(source, batch.records, received_at=received_at)
        with self._store.writing() as writer:
            counts = self._write(writer, source.id, said, bad, received_at)
            writer.put_position(source.id, batch.part, batch.position)
        return replace(counts, read=len(batch.records))

    def decode(
        self, source: Source, records: Iterable[Record], *, received_at: datetime
    ) -> tuple[list[tuple[Record, Statement]], list[_Bad]]:
        """What each record would become, in WGS-84, with every doubt; stores nothing."""
        said: list[tuple[Record, Statement]] = []
        bad: list[_Bad] = []
        for record in records:
            try:
                statement = source.decoder.decode(record, source=source.id, received_at=received_at)
            except BadRecordError as error:
                bad.append(_Bad(record, error, _bad_content(record)))
                continue
            said.append((record, seen(statement, record.horizon)))
        return self._checked_places(source, said), bad

    def _write(
        self,
        writer: Writer,
        source: str,
        said: Sequence[tuple[Record, Statement]],
        bad: Sequence[_Bad],
        now: datetime,
    ) -> Counts:
        rows = [(record, s, id_of(s.source, s.incident_key)) for record, s in said]
        before = writer.incidents({incident for _, _, incident in rows})
        new = _unknown(rows, writer.known_reports(before))
        touched = {incident for _, _, incident in new}
        before = {incident: row for incident, row in before.items() if incident in touched}
        everything = _with_earlier(writer.statements(before), new)
        self._store_reports(writer, new)
        located = self._apply(writer, everything, before)
        quarantined = self._quarantine(writer, source, bad, now)
        flagged = [(record, flag) for record, s, _ in new for flag in s.flags]
        problems = [_problem(b.record, _flag_of(b.error), kept=False) for b in quarantined]
        problems += [_problem(record, flag, kept=True) for record, flag in flagged]
        stamps = [f.at for _, s, _ in new for f in s.facts if f.at is not None]
        counts = Counts(
            read=len(said) + len(bad),
            stored=len(new),
            duplicate=len(said) - len(new) + len(bad) - len(quarantined),
            quarantined=len(quarantined),
            unlocated=sum(1 for _, _, incident in new if not located[incident]),
            flagged=sum(1 for _, s, _ in new if s.flags),
            problems=tuple(problems[:PROBLEMS_KEPT]),
        )
        if new or quarantined:
            writer.count_source(
                source,
                reports=counts.stored,
                quarantined=counts.quarantined,
                flagged=counts.flagged,
                recorded_at=now,
                last_stamp=max(stamps, default=None),
            )
        return counts

    def _checked_places(
        self, source: Source, said: Sequence[tuple[Record, Statement]]
    ) -> list[tuple[Record, Statement]]:
        at = [i for i, (_, s) in enumerate(said) if s.place is not None and s.place.has_position]
        points = [(said[i][1].place.lat, said[i][1].place.lon) for i in at]  # type: ignore[union-attr]
        checked = list(said)
        converted = source.to_wgs84(points) if source.to_wgs84 and points else points  # type: ignore[arg-type]
        for i, point, moved in zip(at, points, converted, strict=True):
            record, statement = said[i]
            # zero is missing in every coordinate system; the rest is judged in degrees
            doubt = self._grids.doubt(*(moved if any(point) else point))  # type: ignore[arg-type]
            if doubt is not None:
                checked[i] = (record, _without_position(statement, doubt))
            elif moved is not point:
                place = statement.place._replace(lat=moved[0], lon=moved[1])  # type: ignore[union-attr]
                checked[i] = (record, statement._replace(place=place))
        return checked

    def _store_reports(self, writer: Writer, new: Sequence[tuple[Record, Statement, str]]) -> None:
        contexts = _add_contexts(writer, (record for record, _, _ in new))
        writer.add(
            schema.report,
            [report_row(s, r, incident, contexts[r.context]) for r, s, incident in new],
        )
        writer.add(schema.fact, [row for _, s, incident in new for row in fact_rows(s, incident)])

    def _apply(
        self, writer: Writer, said: Mapping[str, Sequence[Statement]], before: Mapping[str, Any]
    ) -> dict[str, str]:
        """Fold anew the incidents that something was said about; return each one's grid.

        ``before`` holds the rows of those that were there.
        """
        incidents = placed([fold(statements) for statements in said.values()], self._grids)
        books = Books(self._rules, self._zone)
        for row in before.values():
            books.strike(row)
        writer.put(schema.incident, [books.enter(incident) for incident in incidents])
        writer.add_tallies(books.deltas)
        return {incident.id: incident.grid for incident in incidents}

    def _quarantine(
        self, writer: Writer, source: str, bad: Sequence[_Bad], now: datetime
    ) -> list[_Bad]:
        """Set the bad records aside; return those that were not there yet."""
        unique = {b.content: b for b in bad}
        known = writer.known_quarantine(source, list(unique))
        new = [b for content, b in unique.items() if content not in known]
        contexts = _add_contexts(writer, (b.record for b in new))
        writer.add(
            schema.quarantine,
            [_quarantine_row(source, b, contexts[b.record.context], now) for b in new],
        )
        return new


def _unknown(
    rows: Iterable[tuple[Record, Statement, str]], known: set[tuple[str, bytes]]
) -> list[tuple[Record, Statement, str]]:
    """The rows whose report is not stored yet, each once."""
    new: dict[tuple[str, bytes], tuple[Record, Statement, str]] = {}
    for record, statement, incident in rows:
        key = (incident, statement.content)
        if key not in known:
            new.setdefault(key, (record, statement, incident))  # as if in a batch of its own
    return list(new.values())


def _with_earlier(
    earlier: Mapping[str, Sequence[Statement]], new: Sequence[tuple[Record, Statement, str]]
) -> dict[str, list[Statement]]:
    """All that was ever said about each incident, the new included."""
    said: dict[str, list[Statement]] = defaultdict(list)
    for incident, statements in earlier.items():
        said[incident].extend(statements)
    for _, statement, incident in new:
        said[incident].append(statement)
    return said


def _without_position(statement: Statement, doubt: str) -> Statement:
    place = statement.place or Place()
    flag = Flag("(position)", f"{place.lat}, {place.lon}", doubt)
    rest = place._replace(lat=None, lon=None)
    known = None if rest == Place() else rest
    return statement._replace(place=known, flags=(*statement.flags, flag))


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).digest()


def _bad_content(record: Record) -> bytes:
    # a record without bytes (a file that breaks off) is told from others by where it is
    return content_of(record) if record.raw else _digest(str(record.origin).encode())


def _add_contexts(writer: Writer, records: Iterable[Record]) -> dict[bytes, bytes]:
    """Store what the records need to be read again; return each one's id."""
    contexts = {content: _digest(content) for content in {record.context for record in records}}
    rows = [(digest, content) for content, digest in contexts.items()]
    writer.add_new(schema.context, rows)
    return contexts


def _flag_of(error: BadRecordError) -> Flag:
    return Flag(error.column, error.value, error.rule)


def _problem(record: Record, flag: Flag, *, kept: bool) -> Problem:
    return Problem(
        file=record.origin.part,
        line=record.origin.line,
        column=flag.column,
        value=flag.value,
        rule=flag.rule,
        kept=kept,
    )


def _quarantine_row(source: str, bad: _Bad, context_id: bytes, now: datetime) -> tuple[Any, ...]:
    record, error = bad.record, bad.error
    where = (record.origin.part, record.origin.line)
    what = (error.column, error.value, error.rule)
    return (source, bad.content, to_ms(now), *where, *what, record.raw, context_id)
