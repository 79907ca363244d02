"""What a device's columns mean: which one is the device, the time, a state, a measured value."""

from typing import Self

from pydantic import Field, field_validator, model_validator

from pipelines.decoders.positions import PositionColumns
from pipelines.decoders.table_options import ColumnValues, as_tuple
from pipelines.model.device import Condition
from pipelines.reading.options import Options
from pipelines.reading.times import check_format

HERE = "here"
NORMAL = "normal"
_NOT = "no "
_CONDITIONS = tuple(condition.value for condition in Condition)
WORDS = (HERE, NORMAL, *_CONDITIONS, *(f"{_NOT}{name}" for name in _CONDITIONS))
_SAYS = (
    f"Words: {', '.join(_CONDITIONS)} begin; the same with `no ` before them end; `normal` ends "
    "all that this column can begin; `here` says only that the device is there."
)


class StateColumn(Options):
    """A column whose codes, or whose bits, say what is the matter with the device."""

    column: str = Field(description="The column.")
    map: dict[str, tuple[str, ...] | str] = Field(
        default={},
        description=f"The vendor's codes and what they say, one word or several. {_SAYS}",
    )
    bits: dict[int, str] = Field(
        default={}, description="Instead of `map`: bits of a number (0 is the lowest) → a word."
    )

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        if bool(self.map) == bool(self.bits):
            raise ValueError("needs either `map` or `bits`")
        for word in self.words():
            if word not in WORDS:
                raise ValueError(f"{word!r} is no state; use {', '.join(WORDS)}")
        if any(not 0 <= bit <= 63 for bit in self.bits):
            raise ValueError("bits are numbered 0 to 63")
        return self

    def words(self) -> frozenset[str]:
        """Every word it may say."""
        mapped = [word for said in self.map.values() for word in as_tuple(said)]
        return frozenset((*mapped, *self.bits.values()))

    def conditions(self) -> frozenset[Condition]:
        """Every condition it may begin."""
        return frozenset(Condition(word) for word in self.words() if word in _CONDITIONS)


class MeasuredColumn(Options):
    """A column with a measured value."""

    column: str = Field(description="The column.")
    unit: str = Field(default="", description="The unit it is measured in.")


class DeviceTableOptions(Options):
    """Which columns name a device, its states, its battery and its values."""

    device: tuple[str, ...] | str = Field(
        min_length=1, description="Column with the device; several are joined with `/`."
    )
    time: str | None = Field(
        default=None, description="Column with the device's own time; without, `sent` counts."
    )
    time_format: tuple[str, ...] | str = Field(
        default="iso", description="`strptime` patterns, `iso`, `epoch_s` or `epoch_ms`."
    )
    sent: str | None = Field(
        default=None,
        description="Column with the time the record was sent; it shows whether to trust `time`.",
    )
    sent_format: tuple[str, ...] | str = Field(default="iso", description="How it is written.")
    states: tuple[StateColumn, ...] | StateColumn = Field(
        default=(), description="Columns that say what is the matter; see below."
    )
    battery: str | None = Field(default=None, description="Column with the battery's charge.")
    battery_full: float = Field(default=100.0, gt=0, description="What that says when it is full.")
    values: dict[str, MeasuredColumn | str] = Field(
        default={}, description="Name of a measured value → its column, or column and unit."
    )
    heartbeat: ColumnValues | None = Field(
        default=None, description="Records that only say that the device is there."
    )
    kind: str | None = Field(default=None, description="The kind of incident an alarm opens.")
    position: PositionColumns | None = Field(
        default=None,
        description="Where the device is. An alarm lies there where the register of devices has no "
        "coordinates; a unit of `[units] located_by` stands there on the map.",
    )

    @field_validator("time_format", "sent_format")
    @classmethod
    def _can_be_read(cls, value: tuple[str, ...] | str) -> tuple[str, ...] | str:
        for pattern in as_tuple(value):
            check_format(pattern)
        return value

    @model_validator(mode="after")
    def _alarms_have_a_kind(self) -> Self:
        alarms = any(Condition.ALARM in state.conditions() for state in self.state_columns())
        if alarms and self.kind is None:
            raise ValueError("a state says `alarm`, so `kind` must say what incident that opens")
        return self

    def state_columns(self) -> tuple[StateColumn, ...]:
        """The columns with states, however many."""
        return (self.states,) if isinstance(self.states, StateColumn) else self.states

    def measured(self) -> dict[str, MeasuredColumn]:
        """The measured values with their columns, by name."""
        return {
            name: MeasuredColumn(column=said) if isinstance(said, str) else said
            for name, said in self.values.items()
        }
