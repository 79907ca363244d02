"""The decoder for anything with columns: which column means what is configuration."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from pipelines.connectors.record import Record, content_of
from pipelines.decoders.positions import PositionReader, position_reader
from pipelines.decoders.table_options import (
    ColumnMap,
    ColumnValues,
    State,
    TableOptions,
    as_tuple,
    several,
)
from pipelines.errors import BadRecordError
from pipelines.model.device import Alarm
from pipelines.model.fact import Fact, Flag, Reason, Statement
from pipelines.model.milestone import Milestone
from pipelines.model.place import Place
from pipelines.reading.times import past_midnight, precision_of, time_reader

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
TOLERANCE = timedelta(days=1)
_STARTS = (Milestone.REPORTED, Milestone.RECEIVED)


class TableDecoder:
    """Turns a record's columns into a statement, as its options say."""

    options = TableOptions

    def __init__(self, options: TableOptions, *, zone: ZoneInfo) -> None:
        self._options = options
        self._zone = zone
        self._nulls = {text.lower() for text in options.null}
        self._needed = frozenset(options.columns())
        formats = as_tuple(options.time_format)
        dated = tuple(f"{options.date.format} {f}" for f in formats) if options.date else formats
        self._date = options.date
        self._read_time = time_reader(dated, zone)
        precision = options.precision
        self._precision_s = (
            int(precision.total_seconds()) if precision else max(precision_of(f) for f in formats)
        )
        self._position = position_reader(options.position)
        self._tap = position_reader(options.tap)
        self._incident_columns = as_tuple(options.incident)
        self._about = options.alarm.source if options.alarm else None
        self._record_columns = as_tuple(options.record)
        self._exclusions = several(options.exclude)
        self._states = [(Milestone(m), several(said)) for m, said in options.states.items()]
        self._starts = [options.milestones[m] for m in _STARTS if m in options.milestones]
        self._milestones = sorted(
            options.milestones.items(), key=lambda item: list(Milestone).index(item[0])
        )

    def decode(self, record: Record, *, source: str, received_at: datetime) -> Statement:
        """Say what one row means; see :class:`~pipelines.decoders.decoder.Decoder`."""
        if record.problem is not None:
            raise BadRecordError(*record.problem)
        fields = record.fields
        if fields is None:
            raise BadRecordError("(row)", "", "has no columns; this decoder needs a table")
        if not self._needed <= fields.keys():
            fields = self._filled(fields)
        options = self._options
        alarm = self._alarm(fields, received_at) if options.alarm else None
        key = self._id(fields, self._incident_columns) if alarm is None else ""
        record_id = self._id(fields, self._record_columns) if self._record_columns else key
        unit = self._text(fields, options.unit)
        flags: list[Flag] = []
        withdrawn = options.withdrawn
        if withdrawn is not None and self._says(fields, withdrawn):
            rule = "is withdrawn at the source; what the record said no longer counts"
            flag = Flag(withdrawn.column, fields[withdrawn.column], rule)
            said = (source, key, record_id, received_at, record.ordinal, content_of(record), ())
            return Statement(*said, flags=(flag,), about=self._about, alarm=alarm)
        facts = self._facts(fields, received_at, ended=record.ended)
        if self._tap is not None:
            facts = self._tapped(fields, facts, self._tap, flags)
        flags.extend(self._too_early(fields, facts))
        wanted = options.qualifying
        qualifies = wanted is None or self._text(fields, wanted.column) in wanted.values
        kind = self._kind(fields, flags)
        severity = self._severity(fields, flags)
        excluded = self._excluded(fields, key) if self._exclusions else None
        place = self._place(fields, flags)
        title = self._text(fields, options.title)
        # by position, as for each of millions of records the names would be looked up again
        return Statement(
            source,
            key,
            record_id,
            received_at,
            record.ordinal,
            content_of(record),
            facts,
            unit,
            qualifies,
            kind,
            severity,
            excluded,
            place,
            title,
            tuple(flags),
            self._about,
            alarm,
        )

    def _text(self, fields: Mapping[str, str], column: str | None) -> str | None:
        if column is None:
            return None
        text = fields[column].strip()
        return None if text.lower() in self._nulls else text

    def _required(self, fields: Mapping[str, str], column: str) -> str:
        text = self._text(fields, column)
        if text is None:
            raise BadRecordError(column, fields[column], "is empty; every record needs this id")
        return text

    def _id(self, fields: Mapping[str, str], columns: tuple[str, ...]) -> str:
        return "\x1f".join([self._required(fields, column) for column in columns])

    def _filled(self, fields: Mapping[str, str]) -> Mapping[str, str]:
        if self._options.sparse:
            return {**dict.fromkeys(self._needed, ""), **fields}
        missing = sorted(self._needed - fields.keys())[0]
        raise BadRecordError(missing, "", f"no such column; there are: {', '.join(fields)}")

    def _facts(
        self, fields: Mapping[str, str], received_at: datetime, *, ended: bool
    ) -> tuple[Fact, ...]:
        facts: list[Fact] = []
        nulls, precision_s, method = self._nulls, self._precision_s, self._options.method
        for milestone, column in self._milestones:
            text = fields[column].strip()
            if text.lower() in nulls:
                continue
            at = self._time(fields, column, text, facts, received_at)
            facts.append(Fact(milestone, at, precision_s, method))
        self._check_start(fields, facts)
        if self._states:
            facts += self._stated(fields, facts, received_at)
        is_over = self._options.finished or ended
        if is_over and not any(f.milestone is Milestone.RESOLVED for f in facts):
            facts.append(Fact(Milestone.RESOLVED, None, method=self._options.method))
        return tuple(facts)

    def _tapped(
        self,
        fields: Mapping[str, str],
        facts: tuple[Fact, ...],
        read: PositionReader,
        flags: list[Flag],
    ) -> tuple[Fact, ...]:
        """The facts, the arrival among them with where it was entered."""
        lat, lon = read(partial(self._text, fields), flags)
        if lat is None or lon is None:
            return facts
        return tuple(
            fact._replace(where=(lat, lon)) if fact.milestone is Milestone.ARRIVED else fact
            for fact in facts
        )

    def _alarm(self, fields: Mapping[str, str], received_at: datetime) -> Alarm:
        columns = self._options.alarm
        assert columns is not None
        device, at = (self._id(fields, (name,)) for name in (columns.device, columns.at))
        return Alarm(device, self._time(fields, columns.at, at, [], received_at))

    def _too_early(self, fields: Mapping[str, str], facts: tuple[Fact, ...]) -> Iterator[Flag]:
        """A doubt for every milestone that lies before the report: an impossible order."""
        columns = self._options.milestones
        start = facts[0].at if facts and facts[0].milestone is Milestone.REPORTED else None
        if start is None:
            return
        reported = fields[columns[Milestone.REPORTED]]
        for fact in facts[1:]:
            if fact.at is None or fact.at >= start:
                continue
            column = columns.get(fact.milestone)
            if column is not None and fact.stamp and fact.stamp.latest < start:
                rule = f"lies before the report, {reported}; its clock cannot be judged"
                yield Flag(column, fields[column], rule)

    def _stated(
        self, fields: Mapping[str, str], facts: list[Fact], received_at: datetime
    ) -> list[Fact]:
        known = {fact.milestone for fact in facts}
        return [
            Fact(milestone, *self._since(fields, state, facts, received_at), self._options.method)
            for milestone, states in self._states
            for state in [next((s for s in states if self._says(fields, s)), None)]
            if state is not None and milestone not in known
        ]

    def _since(
        self, fields: Mapping[str, str], state: State, before: list[Fact], received_at: datetime
    ) -> tuple[datetime | None, int]:
        """When a state began, and how precisely that is known."""
        text = self._text(fields, state.at)
        if state.at is None or text is None:
            return None, 1
        return self._time(fields, state.at, text, before, received_at), self._precision_s

    def _says(self, fields: Mapping[str, str], wanted: ColumnValues) -> bool:
        return self._text(fields, wanted.column) in wanted.values

    def _time(
        self,
        fields: Mapping[str, str],
        column: str,
        text: str,
        before: list[Fact],
        received_at: datetime,
    ) -> datetime:
        date = self._date
        text = f"{fields[date.column].strip()} {text}" if date else text
        try:
            at = self._read_time(text)
        except ValueError as error:
            raise BadRecordError(column, text, str(error)) from error
        if date and before and before[0].at is not None:
            after = date.past_midnight_after
            at = past_midnight(at, before[0].at, after=after, zone=self._zone)
        if at > received_at + TOLERANCE:
            raise BadRecordError(column, text, f"lies in the future ({received_at:%Y-%m-%d} now)")
        if at < EARLIEST:
            raise BadRecordError(column, text, f"lies before {EARLIEST:%Y-%m-%d}; a placeholder?")
        return at

    def _check_start(self, fields: Mapping[str, str], facts: list[Fact]) -> None:
        # the first fact is one of these if any is: they come first
        if self._starts and not (facts and facts[0].milestone in _STARTS):
            column = self._starts[0]
            rule = "is empty, so there is no moment to start the clock at"
            raise BadRecordError(column, fields[column], rule)

    def _kind(self, fields: Mapping[str, str], flags: list[Flag]) -> str | None:
        kind = self._options.kind
        return self._mapped(kind, fields, flags) if isinstance(kind, ColumnMap) else kind

    def _severity(self, fields: Mapping[str, str], flags: list[Flag]) -> int | None:
        if self._options.severity is None:
            return None
        text = self._mapped(self._options.severity, fields, flags)
        return int(text) if text is not None and text.isdecimal() else None

    def _excluded(self, fields: Mapping[str, str], key: str) -> Reason | None:
        reasons = (e.reason(self._text(fields, e.column), key) for e in self._exclusions)
        return next((reason for reason in reasons if reason is not None), None)

    def _mapped(
        self, mapping: ColumnMap, fields: Mapping[str, str], flags: list[Flag]
    ) -> str | None:
        text = self._text(fields, mapping.column) or ""
        if text in mapping.map:
            return mapping.map[text]
        if mapping.default is None:
            flags.append(Flag(mapping.column, text, "is not in the mapping; add it to map"))
        return mapping.default

    def _place(self, fields: Mapping[str, str], flags: list[Flag]) -> Place | None:
        address = self._text(fields, self._options.address)
        grid = self._text(fields, self._options.grid)
        read = self._position
        lat, lon = read(partial(self._text, fields), flags) if read else (None, None)
        if lat is None and address is None and grid is None:
            return None
        return Place(lat, lon, address, grid)
