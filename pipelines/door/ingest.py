"""The one door: every record of every source comes in here.

One call is one transaction: decode, set bad records aside, drop what is known, locate, fold into
incidents, correct the tallies, advance the position. All of it is on disk or none.
Sending anything twice, in any order, changes nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pipelines.connectors.record import Batch, Record
from pipelines.door import delivered
from pipelines.door.books import Books
from pipelines.door.delivered import Taken
from pipelines.door.episodes import GAP, Move, keyed
from pipelines.door.interpreter import Bad, Decoded, Interpreter, digest_of
from pipelines.door.ordinary import Ordinary, began_ms
from pipelines.door.precedence import Precedence
from pipelines.door.receipt import PROBLEMS_KEPT, Counts, Problem
from pipelines.door.storable import shown
from pipelines.door.storing import Storing
from pipelines.feeds.sources import Source
from pipelines.geo.gazetteer import Gazetteer, is_remark
from pipelines.geo.history import GridHistory
from pipelines.geo.placing import placed, spots_of
from pipelines.host.tracing import span
from pipelines.model.device import Signal, heard
from pipelines.model.fact import Flag, Statement
from pipelines.model.incident import fold
from pipelines.model.incident import incident_id as id_of
from pipelines.model.place import Place
from pipelines.model.rules import Rules
from pipelines.registers.devices import Register
from pipelines.store import schema
from pipelines.store.device_rows import device_row, signal_row
from pipelines.store.rows import IncidentRow, moments_of, remark_row, report_row, to_ms
from pipelines.store.store import Store, Writer

CANARY = "(canary)"
"""What a rehearsed record is about, in place of a real incident or device."""


class Delivery(NamedTuple):
    """A batch, and the source it came from."""

    source: Source
    batch: Batch


_New = tuple[Record, Statement, str]
"""A record, what it says, and the id of the incident it is about."""

_GRID = IncidentRow._fields.index("grid")
_PLACELESS = Place()


class Door:
    """Takes batches of records into the store.

    ``episode`` is the longest pause between two alarms of one incident. ``guard`` is called
    with the writer and the sources when a transaction begins; what it raises keeps it from being.
    ``counted`` is told what became of each delivery, after the commit.
    """

    def __init__(
        self,
        store: Store,
        *,
        rules: Rules,
        grids: GridHistory,
        zone: ZoneInfo,
        register: Register | None = None,
        episode: timedelta = GAP,
        gazetteer: Gazetteer | None = None,
    ) -> None:
        self.guard: Callable[[Writer, Collection[str]], None] | None = None
        self.counted: Callable[[str, Counts], None] = lambda *_: None
        self.storing = Storing()
        self._precedence = Precedence()
        self._interpreter = Interpreter(grids, register or Register({}), gazetteer or Gazetteer({}))
        self.decode = self._interpreter.decode
        self._store = store
        self._rules = rules
        self._grids = grids
        self._zone = zone
        self._episode = episode
        self._ordinary = Ordinary(rules)

    def accept(self, source: Source, batch: Batch, *, now: datetime) -> Counts:
        """Store a batch and the position behind it, in one transaction; return the counts.

        ``now`` is when the records were received.
        """
        return self.accept_all([Delivery(source, batch)], now=now)[0]

    def accept_all(self, deliveries: Sequence[Delivery], *, now: datetime) -> list[Counts]:
        """Store several batches in one transaction: all of them or none; return their counts."""
        names = ", ".join(source.id for source, _ in deliveries)
        records = sum(len(batch.records) for _, batch in deliveries)
        with span("ingest", sources=names, records=records):
            return self._accept_all(deliveries, now)

    def _accept_all(self, deliveries: Sequence[Delivery], now: datetime) -> list[Counts]:
        received_at = now.replace(microsecond=now.microsecond // 1000 * 1000)
        decoded = [
            self.decode(source, batch.records, received_at=received_at)
            for source, batch in deliveries
        ]
        sources = [source.id for source, _ in deliveries]
        meant = list(zip(sources, decoded, strict=True))

        def store(writer: Writer) -> list[Counts]:
            self._check(writer, set(sources))
            counts = self._write(writer, meant, received_at)
            for source, batch in deliveries:
                if batch.position is not None:
                    writer.put_position(source.id, batch.part, batch.position)
            return counts

        is_urgent = any(source.is_urgent for source, _ in deliveries)
        with self._precedence.turn(urgent=is_urgent), self.storing.watched(now):
            written = self._store.taking_in(store)
        for name, counts in zip(sources, written, strict=True):
            self.counted(name, counts)
        pairs = zip(written, deliveries, strict=True)
        return [replace(counts, read=len(batch.records)) for counts, (_, batch) in pairs]

    def readmit(
        self, source: Source, meant: Decoded, contents: Sequence[bytes], *, received_at: datetime
    ) -> Counts:
        """Store what quarantined records mean by now, and take those out of quarantine.

        ``contents`` names them there; ``received_at`` is when the last of them was received.
        """

        def store(writer: Writer) -> Counts:
            self._check(writer, {source.id})
            (counts,) = self._write(writer, [(source.id, meant)], received_at)
            writer.release_quarantined(source.id, contents)
            return counts

        return self._store.taking_in(store)

    def rehearse(self, source: Source, record: Record, *, now: datetime) -> None:
        """Take a marked copy of a record all the way to the store, and leave no trace of it.

        Any process may, whoever takes the source in, for nothing of it stays. Raises
        BadRecordError when it cannot be decoded, and whatever the store raises.
        """
        meant = self.decode(source, (record,), received_at=now)
        if meant.bad:
            raise meant.bad[0].error

        def try_it(writer: Writer) -> None:
            self._write(writer, [(source.id, _marked(meant))], now)
            raise _Rehearsed  # rolls the transaction back

        with suppress(_Rehearsed):
            self._store.taking_in(try_it)

    def _check(self, writer: Writer, sources: Collection[str]) -> None:
        if self.guard is not None:
            self.guard(writer, sources)

    def _write(
        self, writer: Writer, deliveries: Sequence[tuple[str, Decoded]], now: datetime
    ) -> list[Counts]:
        """Store what was decoded, by source, in one transaction; return the counts of each.

        What all sources share (sheets, sums, counters) comes last, all at once, so that others
        wait for it no longer than need be.
        """
        writer.claim(_devices(meant for _, meant in deliveries))
        books = Books(self._rules, self._zone)
        taken = [self._take(writer, books, source, meant, now) for source, meant in deliveries]
        writer.await_turn()
        books.write(writer)
        for one in taken:
            delivered.count(writer, one, now=now)
        return [one.counts for one in taken]

    def _take(
        self, writer: Writer, books: Books, source: str, meant: Decoded, now: datetime
    ) -> Taken:
        """Store what is one source's own, and put into the books what that changes."""
        said, bad, signals, remarks = meant
        statements, moves = keyed(writer, [s for _, s in said], gap=self._episode)
        rows = [
            (record, s, id_of(s.incident_source, s.incident_key))
            for (record, _), s in zip(said, statements, strict=True)
        ]
        gone, moved = _move(writer, moves)
        before = writer.incidents_to_change({incident for _, _, incident in rows} | moved)
        new = _unknown(rows, writer.known_reports({*before, *moved}))
        touched = {incident for _, _, incident in new} | moved
        before = {incident: row for incident, row in before.items() if incident in touched}
        everything = _with_earlier(writer.statements({*before, *moved}), new)
        moments = [moments_of(s) for _, s, _ in new]
        told = {incident: times for (_, _, incident), times in zip(new, moments, strict=True)}
        with self._storing_reports(writer, new, moments):
            made = self._made(books, everything, told, before, gone)
        writer.put(schema.incident, [row for i, row in made.items() if i in before])
        with writer.adding(schema.incident, [row for i, row in made.items() if i not in before]):
            doubts = [(record, _doubts(s)) for record, s, _ in new if s.flags]
            latest = [_latest(s) for _, s, _ in new]
            last_stamp = max((at for at in latest if at is not None), default=None)
            unlocated = sum(1 for _, _, incident in new if not made[incident][_GRID])
        self._hear(writer, signals)
        writer.add_new(schema.remark, [remark_row(remark, record) for record, remark in remarks])
        quarantined = self._quarantine(writer, source, bad, now)
        flagged = [(record, flag) for record, flags in doubts for flag in flags]
        wrong = ((b.record, b.error) for b in quarantined)
        problems = [_problem(r, Flag(e.column, e.value, e.rule), kept=False) for r, e in wrong]
        problems += [_problem(record, flag, kept=True) for record, flag in flagged]
        counts = Counts(
            read=len(said) + len(bad),
            stored=len(new),
            duplicate=len(said) - len(new) + len(bad) - len(quarantined),
            quarantined=len(quarantined),
            unlocated=unlocated,
            flagged=sum(1 for _, flags in doubts if flags),
            signals=len(signals),
            problems=tuple(problems[:PROBLEMS_KEPT]),
        )
        latest += [signal.at for _, signal in signals if not signal.is_passing]
        latest += [None] * len(quarantined)
        return Taken(
            source=source,
            counts=counts,
            last_stamp=last_stamp,
            flags=tuple(flag for _, flag in flagged),
            moments=tuple(latest),
            heartbeats=tuple(signal.at for _, signal in signals if signal.is_passing),
        )

    @contextmanager
    def _storing_reports(
        self, writer: Writer, new: Sequence[_New], moments: Sequence[Sequence[int | None]]
    ) -> Iterator[None]:
        """Keep the records and their facts; ``moments`` are the times of each one's facts.

        The database takes them in while the block adds up what they say, and asks it nothing.
        """
        contexts = _add_contexts(writer, (record for record, _, _ in new))
        rows = [
            report_row(statement, record, incident, contexts[record.context], told)
            for (record, statement, incident), told in zip(new, moments, strict=True)
        ]
        with writer.adding(schema.report, rows):
            yield

    def _made(
        self,
        books: Books,
        said: Mapping[str, Sequence[Statement]],
        told: Mapping[str, Sequence[int | None]],
        before: Mapping[str, Any],
        gone: Sequence[Any],
    ) -> dict[str, tuple[Any, ...]]:
        """Make anew the incidents that something was said about; return the row of each.

        ``before`` holds the rows of those that were there, ``gone`` of those that no longer are;
        ``told`` the times of the facts of those that are new.
        """
        for row in (*before.values(), *gone):
            books.strike(row)
        rows = self._enter_ordinary(books, said, told)
        general = [fold(statements) for i, statements in said.items() if i not in rows]
        return rows | {i.id: books.enter(i) for i in placed(general, self._grids)}

    def _enter_ordinary(
        self,
        books: Books,
        said: Mapping[str, Sequence[Statement]],
        told: Mapping[str, Sequence[int | None]],
    ) -> dict[str, tuple[Any, ...]]:
        """Enter the incidents that are ordinary cases; return their rows."""
        alone = [(i, s[0]) for i, s in said.items() if len(s) == 1 and i in told]
        places = [s.place or _PLACELESS for _, s in alone]
        began = [began_ms(s, told[i]) for i, s in alone] if self._grids.has_several else ()
        spots = spots_of(places, began, self._grids)
        rows: dict[str, tuple[Any, ...]] = {}
        for (incident, statement), spot in zip(alone, spots, strict=True):
            entered = self._ordinary.enter(statement, told[incident], incident=incident, spot=spot)
            if entered is not None:
                rows[incident] = entered.row
                books.post(*entered)
        return rows

    def _hear(self, writer: Writer, signals: Sequence[tuple[Record, Signal]]) -> None:
        """Add signals to what is known of their devices; keep all but what passes."""
        if not signals:
            return
        by_device: dict[tuple[str, str], list[Signal]] = defaultdict(list)
        for _, signal in signals:
            by_device[signal.source, signal.device].append(signal)
        states = writer.device_states(by_device)
        writer.put(
            schema.device,
            [device_row(heard(states.get(name), said)) for name, said in by_device.items()],
        )
        kept = [(record, signal) for record, signal in signals if not signal.is_passing]
        contexts = _add_contexts(writer, (record for record, _ in kept))
        rows = [signal_row(signal, record, contexts[record.context]) for record, signal in kept]
        writer.add_new(schema.signal, rows)

    def _quarantine(
        self, writer: Writer, source: str, bad: Sequence[Bad], now: datetime
    ) -> list[Bad]:
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


def _devices(deliveries: Iterable[Decoded]) -> set[tuple[str, str]]:
    """The devices that something is said of, by source and name."""
    found = set()
    for said, _, signals, _ in deliveries:
        found |= {(s.incident_source, s.alarm.device) for _, s in said if s.alarm is not None}
        found |= {(signal.source, signal.device) for _, signal in signals}
    return found


def _move(writer: Writer, moves: Sequence[Move]) -> tuple[list[Any], set[str]]:
    """Join incidents as the moves say; return the rows of those gone, the ids of those grown."""
    ids = {
        id_of(move.source, move.old_key): (id_of(move.source, move.new_key), move.new_key)
        for move in moves
    }
    gone = list(writer.incidents_to_change(ids).values())
    for old, (new, key) in ids.items():
        writer.rekey(old, new, key)
    return gone, {new for new, _ in ids.values()}


def _unknown(rows: Iterable[_New], known: set[tuple[str, bytes]]) -> list[_New]:
    """The rows whose report is not stored yet, each once."""
    new: dict[tuple[str, bytes], _New] = {}
    for record, statement, incident in rows:
        key = (incident, statement.content)
        if key not in known:
            new.setdefault(key, (record, statement, incident))  # as if in a batch of its own
    return list(new.values())


def _with_earlier(
    earlier: Mapping[str, Sequence[Statement]], new: Sequence[_New]
) -> dict[str, list[Statement]]:
    """All that was ever said about each incident, the new included."""
    said: dict[str, list[Statement]] = defaultdict(list)
    for incident, statements in earlier.items():
        said[incident].extend(statements)
    for _, statement, incident in new:
        said[incident].append(statement)
    return said


class _Rehearsed(Exception):  # noqa: N818 - ends a rehearsal, which is no error
    """All that was to be tried has worked."""


def _marked(meant: Decoded) -> Decoded:
    """The same, about an incident and a device that cannot be anybody's."""
    said = [
        (
            record,
            s._replace(
                incident_key=f"{CANARY}{s.incident_key}",
                alarm=s.alarm._replace(device=CANARY) if s.alarm else None,
            ),
        )
        for record, s in meant.said
    ]
    signals = [(record, signal._replace(device=CANARY)) for record, signal in meant.signals]
    return Decoded(said, [], signals)


def _doubts(statement: Statement) -> list[Flag]:
    return [flag for flag in statement.flags if not is_remark(flag)]


def _latest(statement: Statement) -> datetime | None:
    """The last moment a record speaks of; when it was sent was no earlier."""
    return max((fact.at for fact in statement.facts if fact.at is not None), default=None)


def _add_contexts(writer: Writer, records: Iterable[Record]) -> dict[bytes, bytes]:
    """Store what the records need to be read again; return each one's id."""
    contexts = {content: digest_of(content) for content in {record.context for record in records}}
    rows = [(digest, content) for content, digest in contexts.items()]
    writer.add_new(schema.context, rows)
    return contexts


def _problem(record: Record, flag: Flag, *, kept: bool) -> Problem:
    return Problem(
        file=record.origin.part,
        line=record.origin.line,
        column=flag.column,
        value=flag.value,
        rule=flag.rule,
        kept=kept,
    )


def _quarantine_row(source: str, bad: Bad, context_id: bytes, now: datetime) -> tuple[Any, ...]:
    record, error = bad.record, bad.error
    what = (shown(error.column), shown(error.value), error.rule)
    occasion = None if record.occasion is None else to_ms(record.occasion)
    listed = (record.ordinal, occasion, record.ended)
    return (source, bad.content, to_ms(now), *record.origin, *what, record.raw, context_id, *listed)
