"""The decoder for anything with columns: which column means what is configuration."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from pipelines.connectors.record import Record
from pipelines.decoders.times import past_midnight, precision_of, time_reader
from pipelines.errors import BadRecordError
from pipelines.model.fact import Fact, Flag, Reason, Statement
from pipelines.model.milestone import Milestone
from pipelines.model.place import Place
from pipelines.model.stamp import Method
from pipelines.options import Duration, Options

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
TOLERANCE = timedelta(days=1)
_NULLS = ("", "null", "none", "nan", "n/a", "na", "-", "\\n")


class ColumnMap(Options):
    """One column's values translated; ``default`` stands for values that are not listed."""

    column: str
    map: dict[str, str] = {}
    default: str | None = None


class PositionColumns(Options):
    """Where the coordinates are: two columns, or one with a pattern naming ``lat`` and ``lon``."""

    lat: str | None = None
    lon: str | None = None
    column: str | None = None
    pattern: str = r"\(?\s*(?P<lat>-?[\d.]+)\s*,\s*(?P<lon>-?[\d.]+)\s*\)?"

    @field_validator("pattern")
    @classmethod
    def _names_both(cls, value: str) -> str:
        try:
            groups = re.compile(value).groupindex
        except re.error as error:
            raise ValueError(f"must be a regular expression: {error}") from error
        if not {"lat", "lon"} <= set(groups):
            raise ValueError("must have the groups (?P<lat>…) and (?P<lon>…)")
        return value


class DateColumn(Options):
    """The date of times that are written without one; earlier times are on the next day."""

    column: str
    format: str
    past_midnight_after: Duration = Field(
        default=timedelta(hours=12),
        description="A time this much before the first milestone is on the next day.",
    )


class Qualifying(Options):
    """Which units' arrival stops the clock."""

    column: str
    values: tuple[str, ...]


class TableOptions(Options):
    """Which column is which milestone or field, and how times are written."""

    incident: str = Field(description="Column with the incident's id at the source.")
    record: tuple[str, ...] | str | None = Field(
        default=None, description="Column(s) that tell records of one incident apart."
    )
    milestones: dict[Milestone, str] = Field(description="Milestone → column.")
    time_format: tuple[str, ...] | str = "iso"
    precision: Duration | None = Field(default=None, description="Coarser than the format shows.")
    date: DateColumn | None = None
    kind: ColumnMap | str = Field(description="A kind, or a column with its mapping.")
    severity: ColumnMap | None = None
    exclude: ColumnMap | None = Field(default=None, description="Values → ledger reasons.")
    position: PositionColumns | None = None
    grid: str | None = Field(default=None, description="Column with the owner's own grid code.")
    address: str | None = None
    title: str | None = None
    unit: str | None = None
    qualifying: Qualifying | None = None
    method: Method = Method.IMPORTED
    finished: bool = Field(
        default=False, description="Each record is of a case that is over: nothing will follow."
    )
    null: tuple[str, ...] = _NULLS

    @field_validator("exclude")
    @classmethod
    def _reasons(cls, value: ColumnMap | None) -> ColumnMap | None:
        allowed = sorted(set(Reason) - {Reason.NOT_EMERGENCY, Reason.CANCELLED_IN_TIME})
        wrong = [v for v in (value.map.values() if value else ()) if v not in allowed]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no ledger reason; use one of {', '.join(allowed)}")
        return value

    def columns(self) -> set[str]:
        """Every column the mapping needs to be there."""
        blocks = (self.kind, self.severity, self.exclude, self.date, self.qualifying)
        named = [self.incident, *self.milestones.values(), self.grid, self.address, self.title]
        named += [self.unit, *_as_tuple(self.record)]
        named += [b.column for b in blocks if b is not None and not isinstance(b, str)]
        if self.position is not None:
            named += [self.position.lat, self.position.lon, self.position.column]
        return {name for name in named if name is not None}


class TableDecoder:
    """Turns a record's columns into a statement, as its options say."""

    options = TableOptions

    def __init__(self, options: TableOptions, *, zone: ZoneInfo) -> None:
        self._options = options
        self._nulls = {text.lower() for text in options.null}
        self._needed = frozenset(options.columns())
        formats = _as_tuple(options.time_format)
        dated = tuple(f"{options.date.format} {f}" for f in formats) if options.date else formats
        self._read_time = time_reader(dated, zone)
        precision = options.precision
        self._precision_s = (
            int(precision.total_seconds()) if precision else max(precision_of(f) for f in formats)
        )
        self._position = _position_reader(options.position)
        self._record_columns = _as_tuple(options.record)
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
            missing = sorted(self._needed - fields.keys())[0]
            raise BadRecordError(missing, "", f"no such column; there are: {', '.join(fields)}")
        options = self._options
        key = self._required(fields, options.incident)
        unit = self._text(fields, options.unit)
        flags: list[Flag] = []
        return Statement(
            source=source,
            incident_key=key,
            record_id=self._record_id(fields, key),
            recorded_at=received_at,
            ordinal=record.ordinal,
            content=content_of(record),
            facts=self._facts(fields, received_at),
            unit=unit,
            qualifies=self._qualifies(fields),
            kind=self._kind(fields, flags),
            severity=self._severity(fields, flags),
            excluded=self._excluded(fields),
            place=self._place(fields, flags),
            title=self._text(fields, options.title),
            flags=tuple(flags),
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

    def _record_id(self, fields: Mapping[str, str], key: str) -> str:
        if not self._record_columns:
            return key
        return "\x1f".join(self._required(fields, column) for column in self._record_columns)

    def _facts(self, fields: Mapping[str, str], received_at: datetime) -> tuple[Fact, ...]:
        facts: list[Fact] = []
        for milestone, column in self._milestones:
            text = self._text(fields, column)
            if text is None:
                continue
            at = self._time(fields, column, text, facts, received_at)
            facts.append(Fact(milestone, at, self._precision_s, self._options.method))
        self._check_start(fields, facts)
        if self._options.finished and not any(f.milestone is Milestone.RESOLVED for f in facts):
            facts.append(Fact(Milestone.RESOLVED, None, method=self._options.method))
        return tuple(facts)

    def _time(
        self,
        fields: Mapping[str, str],
        column: str,
        text: str,
        before: list[Fact],
        received_at: datetime,
    ) -> datetime:
        date = self._options.date
        try:
            at = self._read_time(f"{fields[date.column].strip()} {text}" if date else text)
        except ValueError as error:
            raise BadRecordError(column, text, str(error)) from error
        if date and before and before[0].at is not None:
            at = past_midnight(at, before[0].at, after=date.past_midnight_after)
        if at > received_at + TOLERANCE:
            raise BadRecordError(column, text, f"lies in the future ({received_at:%Y-%m-%d} now)")
        if at < EARLIEST:
            raise BadRecordError(column, text, f"lies before {EARLIEST:%Y-%m-%d}; a placeholder?")
        return at

    def _check_start(self, fields: Mapping[str, str], facts: list[Fact]) -> None:
        starts = (Milestone.REPORTED, Milestone.RECEIVED)
        mapped = [self._options.milestones[m] for m in starts if m in self._options.milestones]
        if mapped and not any(fact.milestone in starts for fact in facts):
            column = mapped[0]
            rule = "is empty, so there is no moment to start the clock at"
            raise BadRecordError(column, fields[column], rule)

    def _qualifies(self, fields: Mapping[str, str]) -> bool:
        wanted = self._options.qualifying
        return wanted is None or self._text(fields, wanted.column) in wanted.values

    def _kind(self, fields: Mapping[str, str], flags: list[Flag]) -> str | None:
        kind = self._options.kind
        return kind if isinstance(kind, str) else self._mapped(kind, fields, flags)

    def _severity(self, fields: Mapping[str, str], flags: list[Flag]) -> int | None:
        if self._options.severity is None:
            return None
        text = self._mapped(self._options.severity, fields, flags)
        return int(text) if text is not None and text.isdigit() else None

    def _excluded(self, fields: Mapping[str, str]) -> Reason | None:
        if self._options.exclude is None:
            return None
        text = self._text(fields, self._options.exclude.column) or ""
        reason = self._options.exclude.map.get(text, self._options.exclude.default)
        return None if reason is None else Reason(reason)

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
        lat, lon = self._position(self, fields, flags) if self._position else (None, None)
        if lat is None and address is None and grid is None:
            return None
        return Place(lat, lon, address, grid)


_PositionReader = Callable[
    [TableDecoder, Mapping[str, str], list[Flag]], tuple[float | None, float | None]
]


def _position_reader(columns: PositionColumns | None) -> _PositionReader | None:
    if columns is None:
        return None
    if columns.column is not None:
        return _from_one_column(columns.column, re.compile(columns.pattern))
    return _from_two_columns(columns.lat or "lat", columns.lon or "lon")


def _from_one_column(column: str, pattern: re.Pattern[str]) -> _PositionReader:
    def read(
        decoder: TableDecoder, fields: Mapping[str, str], flags: list[Flag]
    ) -> tuple[float | None, float | None]:
        text = decoder._text(fields, column)
        if text is None:
            return None, None
        match = pattern.search(text)
        return (
            _numbers(match["lat"], match["lon"], column, text, flags)
            if match
            else _no_position(column, text, flags)
        )

    return read


def _from_two_columns(lat: str, lon: str) -> _PositionReader:
    def read(
        decoder: TableDecoder, fields: Mapping[str, str], flags: list[Flag]
    ) -> tuple[float | None, float | None]:
        texts = decoder._text(fields, lat), decoder._text(fields, lon)
        if texts[0] is None or texts[1] is None:
            return None, None
        return _numbers(texts[0], texts[1], f"{lat}, {lon}", f"{texts[0]}, {texts[1]}", flags)

    return read


def _numbers(
    lat: str, lon: str, column: str, shown: str, flags: list[Flag]
) -> tuple[float | None, float | None]:
    try:
        return float(lat), float(lon)
    except ValueError:
        return _no_position(column, shown, flags)


def _no_position(column: str, shown: str, flags: list[Flag]) -> tuple[None, None]:
    flags.append(Flag(column, shown, "is not a pair of coordinates; the case is not on the map"))
    return None, None


def content_of(record: Record) -> bytes:
    """A digest of what a record says: the same record, sent again, has the same one."""
    digest = blake2b(record.raw, digest_size=16)
    if record.horizon is not None:
        digest.update(repr(record.horizon).encode())
    return digest.digest()


def _as_tuple(value: tuple[str, ...] | str | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value
