"""Targets and the calendar they are counted by, as the configuration states them."""

import re
import tomllib
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, field_validator

from pipelines.errors import SettingsError
from pipelines.model.milestone import TARGETED, Milestone
from pipelines.model.rules import Limit, Special
from pipelines.model.working import Calendar, WorkingTime, WorkUnit, hours_from
from pipelines.reading.options import Duration, Options, parse_duration

Targeted = Literal["accepted", "dispatched", "arrived"]

_WORKING = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(wh|uh|wd)\s*")


def _limit(value: object) -> Limit:
    if isinstance(value, WorkingTime):
        return value
    match = _WORKING.fullmatch(value) if isinstance(value, str) else None
    if match is not None:
        limit = WorkingTime(float(match[1]), WorkUnit(match[2]))
        if limit.amount <= 0:
            raise ValueError("must be longer than zero")
        if limit.unit is WorkUnit.DAY and limit.amount % 1:
            raise ValueError('working days must be whole, such as "5wd"')
        return limit
    try:
        duration = parse_duration(value)
    except ValueError as error:
        raise ValueError(
            'must be a duration such as "90s" or "7d", or working time such as '
            '"4wh" (工作时), "2uh" (紧急工作时) or "5wd" (工作日)'
        ) from error
    if duration <= timedelta(0):
        raise ValueError("must be longer than zero")
    return duration


HandlingLimit = Annotated[Any, BeforeValidator(_limit)]
"""How long handling may take: a duration, or working time."""


class ExceptionSettings(Options):
    """Targets that differ from the general ones; what is left out stays as it is."""

    accepted: Duration | None = Field(default=None, description="接报.")
    dispatched: Duration | None = Field(default=None, description="流转.")
    arrived: Duration | None = Field(default=None, description="到场.")
    resolved: HandlingLimit | None = Field(
        default=None,
        description='办结, from t0: `"7d"`, or `"4wh"` 工作时, `"2uh"` 紧急工作时, `"5wd"` 工作日.',
    )

    @property
    def limits(self) -> dict[Milestone, Limit]:
        """The targets that are given."""
        given = {m: getattr(self, m) for m in (*TARGETED, Milestone.RESOLVED)}
        return {milestone: limit for milestone, limit in given.items() if limit is not None}


class SpecialSettings(ExceptionSettings):
    """Targets for some kinds, severities and areas; an empty list fits all. The last one counts."""

    kinds: tuple[str, ...] = Field(default=(), description="Kinds they are for.")
    severities: tuple[int, ...] = Field(default=(), description="Severities they are for.")
    areas: tuple[str, ...] = Field(
        default=(), description="Communities, and beginnings of grid codes, they are for."
    )

    @property
    def special(self) -> Special:
        """The same as the model wants it."""
        return Special(
            within=self.limits,
            kinds=frozenset(self.kinds),
            severities=frozenset(self.severities),
            areas=self.areas,
        )


class TargetSettings(Options):
    """How fast each milestone is to be reached; ``kinds`` and ``special`` hold the exceptions."""

    accepted: Duration = Field(default=timedelta(seconds=60), description="接报.")
    dispatched: Duration = Field(default=timedelta(seconds=180), description="流转.")
    arrived: Duration = Field(default=timedelta(seconds=300), description="到场.")
    warning_share: float = Field(
        default=0.7, gt=0, lt=1, description="Share of a target after which its clock warns."
    )
    kinds: dict[str, ExceptionSettings] = Field(
        default={}, description="Exceptions by kind: `[targets.kinds.smoke]` with `arrived = …`."
    )
    special: tuple[SpecialSettings, ...] = Field(
        default=(),
        description="Exceptions by kind, severity and area: `[[targets.special]]`.",
    )
    clock_doubt: dict[str, Duration] = Field(
        default={},
        description="By how much the clocks behind a source's stamps may disagree; a hit or miss "
        "that this could turn is counted as indeterminate.",
    )

    def limit(self, milestone: Milestone) -> timedelta:
        """The general target of a milestone of the 135 loop."""
        limit: timedelta = getattr(self, milestone)
        return limit


class CalendarSettings(Options):
    """What working time is: the days that are worked, and their hours."""

    file: str | None = Field(
        default=None,
        description="TOML file of days off and days worked instead, by year, relative to the "
        "config file; `calendars/cn.toml` has China's. Without it no year is known.",
    )
    hours: tuple[str, ...] = Field(
        default=("08:30-12:00", "13:30-17:30"), description="工作时: hours of a working day."
    )
    urgent_hours: tuple[str, ...] = Field(
        default=("08:00-20:00",), description="紧急工作时: hours of any day."
    )

    @field_validator("hours", "urgent_hours")
    @classmethod
    def _hours(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        hours_from(value)
        return value

    def load(self, folder: Path, zone: ZoneInfo) -> Calendar:
        """The calendar; raises SettingsError naming the file, the year and the day."""
        years = _read(folder / self.file) if self.file else {}
        return Calendar(
            zone=zone,
            years=frozenset(years),
            holidays=_days(years, "off", self.file),
            workdays=_days(years, "worked", self.file),
            hours=hours_from(self.hours),
            urgent_hours=hours_from(self.urgent_hours),
        )


def _read(file: Path) -> dict[int, Mapping[str, Any]]:
    try:
        content = tomllib.loads(file.read_text("utf-8"))
        return {int(year): days for year, days in content.items()}
    except OSError as error:
        raise SettingsError(f"[calendar] file: {file}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"[calendar] file: {file}: {error}; see calendars/cn.toml") from error


def _days(years: Mapping[int, Mapping[str, Any]], name: str, file: str | None) -> frozenset[date]:
    found = set()
    for year, days in years.items():
        for day in days.get(name, ()):
            try:
                found.add(date.fromisoformat(f"{year}-{day}"))
            except ValueError as error:
                raise SettingsError(
                    f'{file} [{year}] {name}: {day!r} must be a month and a day such as "05-01"'
                ) from error
    return frozenset(found)
