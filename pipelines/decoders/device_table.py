"""The decoder for records of devices with columns: a vendor's codes are configuration."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pipelines.connectors.record import Record, content_of
from pipelines.decoders.decoder import Meaning
from pipelines.decoders.device_moments import Moments, TextOf, When
from pipelines.decoders.device_options import HERE, NORMAL, DeviceTableOptions, StateColumn
from pipelines.decoders.positions import position_reader
from pipelines.decoders.table_options import as_tuple
from pipelines.errors import BadRecordError
from pipelines.model.device import BATTERY, POSITION, Alarm, Condition, Signal
from pipelines.model.fact import Fact, Flag, Statement
from pipelines.model.milestone import Milestone
from pipelines.model.place import Place
from pipelines.model.stamp import Method

_NULLS = frozenset({"", "null", "none", "undefined"})
_NUMBER = re.compile(r"-?[0-9]{1,19}")
_MOST = 200
"""Characters of a name or a value; what is longer is neither."""


class Row(NamedTuple):
    """What one record says about one device, by column.

    ``around`` names the columns that are its envelope and say nothing about a state.
    """

    columns: Mapping[str, str]
    around: frozenset[str] = frozenset()


class _Change(NamedTuple):
    """What begins and what ends with a record."""

    begun: frozenset[Condition]
    ended: frozenset[Condition]


class DeviceTableDecoder:
    """Turns a record's columns into a signal of a device, and an alarm into an incident too.

    ``states`` are further columns with states, for what a platform itself says of its devices.
    """

    options = DeviceTableOptions

    def __init__(
        self, options: DeviceTableOptions, *, zone: ZoneInfo, states: Sequence[StateColumn] = ()
    ) -> None:
        self._options = options
        self._device = as_tuple(options.device)
        self._moments = Moments(options, zone)
        self._states = (*options.state_columns(), *states)
        self._values = options.measured()
        self._position = position_reader(options.position)
        told: list[str | None] = [
            *(s.column for s in self._states),
            *(v.column for v in self._values.values()),
        ]
        at = options.position
        told += [at.lat, at.lon, at.column] if at is not None else []
        self._telling = frozenset([*told, *as_tuple(options.battery)])
        times = (options.time, options.sent)
        self._around = frozenset([*self._device, *(name for name in times if name)])

    def decode(self, record: Record, *, source: str, received_at: datetime) -> Meaning:
        """Say what one record means; see :class:`~pipelines.decoders.decoder.Decoder`."""
        if record.problem is not None:
            raise BadRecordError(*record.problem)
        if record.fields is None:
            raise BadRecordError("(record)", "", "has no columns; this decoder needs a table")
        topic = frozenset(name for name in record.fields if name.startswith("(topic"))
        row = Row(record.fields, topic)
        return self.meaning([row], record, source=source, received_at=received_at)

    def meaning(
        self,
        rows: Sequence[Row | BadRecordError],
        record: Record,
        *,
        source: str,
        received_at: datetime,
    ) -> Meaning:
        """What the rows of one record mean together.

        A row that makes no sense, or is an error already, stops no other: it becomes one of
        the meaning's problems. The record makes no sense when all its rows make none.
        """
        statements: list[Statement] = []
        signals: list[Signal] = []
        problems: list[BadRecordError] = []
        for number, row in enumerate(rows):
            # even numbers are signals, odd ones statements: they stay the same whatever is added
            contents = content_of(record, 2 * number), content_of(record, 2 * number + 1)
            doubts: list[Flag] = []
            try:
                if isinstance(row, BadRecordError):
                    raise row
                device = self._name(row)
                self._check_says_something(row)
            except BadRecordError as error:
                problems.append(error)
                continue
            when = self._moments.read(_texts(row), received_at, doubts)
            change = self._change(row, doubts)
            measured = self._measured(row, doubts)
            said = (source, device, when.at, received_at, contents[0], *change)
            signals.append(Signal(*said, measured))
            if Condition.ALARM in change.begun:
                place = self._place(row, [])
                doubts += [when.doubt] if when.doubt is not None else []
                statements.append(
                    Statement(
                        source=source,
                        incident_key="",
                        record_id=contents[1].hex(),
                        recorded_at=received_at,
                        ordinal=record.ordinal,
                        content=contents[1],
                        facts=self._reported(when),
                        kind=self._options.kind,
                        place=place,
                        flags=tuple(doubts),
                        alarm=Alarm(device, when.alarm_at),
                    )
                )
            else:
                problems.extend(BadRecordError(*doubt) for doubt in doubts)
        if problems and not signals:
            raise problems[0]
        return Meaning(tuple(statements), tuple(signals), tuple(problems))

    def _name(self, row: Row) -> str:
        parts = []
        for column in self._device:
            text = _text(row, column)
            if text is None:
                known = ", ".join(row.columns)[:_MOST]
                raise BadRecordError(column, "", f"names no device; there are: {known}")
            parts.append(text)
        name = "/".join(parts)
        if len(name) > _MOST:
            raise BadRecordError(self._device[0], name[:_MOST], f"is longer than {_MOST} signs")
        return name

    def _check_says_something(self, row: Row) -> None:
        """Raise BadRecordError for a record that says things of which none is in the mapping."""
        said = row.columns.keys() - row.around - self._around
        if not said or said & self._telling or self._is_heartbeat(row):
            return
        raise BadRecordError(
            "(columns)",
            ", ".join(name for name in row.columns if name in said)[:_MOST],
            "none of these is in the mapping; add one to states or values, or say in "
            "heartbeat which records need no meaning",
        )

    def _is_heartbeat(self, row: Row) -> bool:
        wanted = self._options.heartbeat
        return wanted is not None and _text(row, wanted.column) in wanted.values

    def _change(self, row: Row, doubts: list[Flag]) -> _Change:
        begun: set[Condition] = set()
        ended: set[Condition] = set()
        if not self._is_heartbeat(row):
            for state in self._states:
                for word in _words(state, row, doubts):
                    if word == NORMAL:
                        ended |= state.conditions()
                    elif word.startswith("no "):
                        ended.add(Condition(word.removeprefix("no ")))
                    elif word != HERE:
                        begun.add(Condition(word))
        return _Change(frozenset(begun), frozenset(ended - begun))

    def _measured(self, row: Row, doubts: list[Flag]) -> dict[str, str]:
        found = {}
        for name, measured in self._values.items():
            text = _text(row, measured.column)
            if text is not None and len(text) <= _MOST:
                found[name] = f"{text} {measured.unit}".strip()
            elif text is not None:
                doubts.append(Flag(measured.column, text[:_MOST], f"is longer than {_MOST} signs"))
        column = self._options.battery
        text = _text(row, column) if column else None
        if column is not None and text is not None:
            share = _number(text) / self._options.battery_full
            if 0 <= share <= 1:
                found[BATTERY] = f"{share:.4g}"
            else:
                rule = f"is no charge; must be 0 to {self._options.battery_full:g}"
                doubts.append(Flag(column, text[:_MOST], rule))
        where = self._place(row, doubts)
        return found if where is None else found | {POSITION: f"{where.lat},{where.lon}"}

    def _reported(self, when: When) -> tuple[Fact, ...]:
        if when.reported is None:
            return ()
        return (Fact(Milestone.REPORTED, when.reported, self._moments.precision_s, Method.SENSOR),)

    def _place(self, row: Row, doubts: list[Flag]) -> Place | None:
        if self._position is None:
            return None
        lat, lon = self._position(_texts(row), doubts)
        return None if lat is None else Place(lat, lon)


def _text(row: Row, column: str) -> str | None:
    text = row.columns.get(column, "").strip()
    return None if text.lower() in _NULLS else text


def _texts(row: Row) -> TextOf:
    return lambda column: _text(row, column)


def _words(state: StateColumn, row: Row, doubts: list[Flag]) -> tuple[str, ...]:
    """What a column with codes or bits says; a code that is not listed becomes a doubt."""
    text = _text(row, state.column)
    if text is None:
        return ()
    if not state.bits:
        if text in state.map:
            return as_tuple(state.map[text])
        rule = "is not in the mapping; add it to map"
    elif _NUMBER.fullmatch(text):
        return tuple(word for bit, word in state.bits.items() if int(text) >> bit & 1)
    else:
        rule = "is no whole number, so it has no bits"
    doubts.append(Flag(state.column, text[:_MOST], rule))
    return ()


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
