"""What a table's mapping may say: which column is which milestone or field."""

from datetime import timedelta
from typing import Literal, TypeVar

from pydantic import Field, ValidationInfo, field_validator

from pipelines.decoders.positions import PositionColumns
from pipelines.model.fact import Reason
from pipelines.model.milestone import Milestone
from pipelines.model.stamp import Method
from pipelines.reading.options import Duration, Options
from pipelines.reading.times import NAMED, check_format

T = TypeVar("T")

_NULLS = ("", "null", "none", "nan", "n/a", "na", "-", "\\n")


_COMPUTED = {Reason.NOT_EMERGENCY, Reason.CANCELLED_IN_TIME, Reason.NO_TARGET}
"""Reasons that follow from an incident, and that no source can give."""


class ColumnMap(Options):
    """One column's values translated; ``default`` stands for values that are not listed."""

    column: str = Field(description="The column.")
    map: dict[str, str] = Field(default={}, description="Its values and what they become.")
    default: str | None = Field(default=None, description="What any other value becomes.")


class Exclusion(ColumnMap):
    """A column whose values leave an incident out of the figures, and for which reason."""

    filled: str | None = Field(
        default=None,
        description="What any value becomes that is not empty, not `0`, not the incident's own id.",
    )

    def reason(self, text: str | None, own: str) -> Reason | None:
        """The reason one value stands for, if any; ``own`` is the incident's id."""
        reason = self.map.get(text or "", self.default)
        if reason is None and text not in (None, "0", own):
            reason = self.filled
        return None if reason is None else Reason(reason)


class ColumnValues(Options):
    """A column, and the values of it that are meant."""

    column: str = Field(description="The column.")
    values: tuple[str, ...] = Field(description="The values of it that are meant.")


class State(ColumnValues):
    """Values of a column by which a record says that its incident is over, or handed back."""

    at: str | None = Field(
        default=None, description="Column with the time of it; without, it has no known time."
    )


class DateColumn(Options):
    """The date of times that are written without one; earlier times are on the next day."""

    column: str = Field(description="Column with the date.")
    format: str = Field(description="How it is written.")
    past_midnight_after: Duration = Field(
        default=timedelta(hours=12),
        description="A time this much before the first milestone is on the next day.",
    )


class Qualifying(Options):
    """Which units' arrival stops the clock."""

    column: str = Field(description="The column.")
    values: tuple[str, ...] = Field(description="Its values for units that qualify.")


class AlarmColumns(Options):
    """Which columns say whose alarm a record is about, for what a fire station does about it."""

    source: str = Field(description="The source whose device raised the alarm.")
    device: str = Field(description="Column with the device, as that source calls it.")
    at: str = Field(description="Column with the time of the alarm.")


class TableOptions(Options):
    """Which column is which milestone or field, and how times are written."""

    alarm: AlarmColumns | None = Field(
        default=None, description="Instead of `incident`: the alarm of a device it is about."
    )
    incident: tuple[str, ...] | str | None = Field(
        default=None,
        min_length=1,
        validate_default=True,
        description="Column(s) with the incident's id at the source.",
    )
    record: tuple[str, ...] | str | None = Field(
        default=None,
        validate_default=True,
        description="Column(s) that tell records of one incident apart.",
    )
    milestones: dict[Milestone, str] = Field(description="Milestone → column.")
    time_format: tuple[str, ...] | str = Field(
        default="iso", description="`strptime` patterns, `iso`, `epoch_s` or `epoch_ms`."
    )
    precision: Duration | None = Field(default=None, description="Coarser than the format shows.")
    date: DateColumn | None = Field(default=None, description="Where times have no date.")
    kind: ColumnMap | str | None = Field(description="A kind, or a column with its mapping.")
    severity: ColumnMap | None = Field(default=None, description="Values → a whole number.")
    exclude: tuple[Exclusion, ...] | Exclusion | None = Field(
        default=None, description="Values → ledger reasons; the first that says one counts."
    )
    states: dict[Literal["resolved", "cancelled", "returned"], tuple[State, ...] | State] = Field(
        default={}, description="Milestone → values that state it, where its own column is empty."
    )
    withdrawn: ColumnValues | None = Field(
        default=None, description="Records that take back what they said: kept, and flagged."
    )
    position: PositionColumns | None = Field(default=None, description="Coordinates.")
    tap: PositionColumns | None = Field(
        default=None,
        description="Coordinates of whoever entered the arrival, at that moment; not the scene's.",
    )
    grid: str | None = Field(default=None, description="Column with the owner's own grid code.")
    address: str | None = Field(default=None, description="Column with the address.")
    title: str | None = Field(default=None, description="Column with a short text.")
    unit: str | None = Field(default=None, description="Column with the responding unit.")
    qualifying: Qualifying | None = Field(
        default=None, description="Units whose arrival stops the clock; all, when absent."
    )
    method: Method = Field(default=Method.IMPORTED, description="How the stamps came to be.")
    finished: bool = Field(
        default=False, description="Each record is of a case that is over: nothing will follow."
    )
    sparse: bool = Field(
        default=False, description="Records leave out columns that are empty, as JSON often does."
    )
    null: tuple[str, ...] = Field(default=_NULLS, description="Texts that mean nothing.")

    @field_validator("time_format")
    @classmethod
    def _can_be_read(cls, value: tuple[str, ...] | str) -> tuple[str, ...] | str:
        for pattern in as_tuple(value):
            check_format(pattern)
        return value

    @field_validator("date")
    @classmethod
    def _completes_the_time(
        cls, value: DateColumn | None, info: ValidationInfo
    ) -> DateColumn | None:
        for pattern in as_tuple(info.data.get("time_format", ())) if value else ():
            if pattern in NAMED:
                raise ValueError(f"a time written as {pattern!r} has its date; take date away")
            check_format(f"{value.format} {pattern}")  # type: ignore[union-attr]
        return value

    @field_validator("incident")
    @classmethod
    def _is_about_something(
        cls, value: tuple[str, ...] | str | None, info: ValidationInfo
    ) -> tuple[str, ...] | str | None:
        has_alarm = info.data.get("alarm") is not None
        if value is None and not has_alarm:
            raise ValueError("is required; add it, or `alarm` for what is about a device's alarm")
        if value is not None and has_alarm:
            raise ValueError("is given beside `alarm`; a record is about the one or the other")
        return value

    @field_validator("record")
    @classmethod
    def _tells_apart(
        cls, value: tuple[str, ...] | str | None, info: ValidationInfo
    ) -> tuple[str, ...] | str | None:
        if value is None and info.data.get("alarm") is not None:
            raise ValueError("is required beside `alarm`: columns that tell its records apart")
        return value

    @field_validator("exclude")
    @classmethod
    def _reasons(
        cls, value: tuple[Exclusion, ...] | Exclusion | None
    ) -> tuple[Exclusion, ...] | Exclusion | None:
        allowed = sorted(set(Reason) - _COMPUTED)
        named = [n for e in several(value) for n in (*e.map.values(), e.default, e.filled)]
        wrong = [reason for reason in named if reason is not None and reason not in allowed]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no ledger reason; use one of {', '.join(allowed)}")
        return value

    def columns(self) -> set[str]:
        """Every column the mapping needs to be there."""
        blocks = (self.kind, self.severity, self.date, self.qualifying, self.withdrawn)
        states = [state for said in self.states.values() for state in several(said)]
        named = [*self.milestones.values(), self.grid, self.address, self.title, self.unit]
        named += [*as_tuple(self.incident), *as_tuple(self.record)]
        named += [b.column for b in blocks if b is not None and not isinstance(b, str)]
        named += [e.column for e in several(self.exclude)]
        named += [name for state in states for name in (state.column, state.at)]
        if self.alarm is not None:
            named += [self.alarm.device, self.alarm.at]
        for position in (self.position, self.tap):
            if position is not None:
                named += [position.lat, position.lon, position.column]
        return {name for name in named if name is not None}


def several(value: tuple[T, ...] | T | None) -> tuple[T, ...]:
    """A block that may be left away, be one, or be several, as several."""
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def as_tuple(value: tuple[str, ...] | str | None) -> tuple[str, ...]:
    """A text that may be left away, be one, or be several, as several."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value
