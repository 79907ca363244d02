"""What the configuration says about walls that run for months, and what a screen is told of it."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import Field

from pipelines.reading.options import Duration, Options, TimeOfDay

WALLS_RELOAD = "walls_reload"
"""The fact about the store that says when the walls were last told to load anew."""

Level = Literal["1", "2", "3", "4"]


class Tone(StrEnum):
    """The two sounds a wall can make."""

    URGENT = "urgent"
    """Three rising notes, twice: something is on fire."""
    CALM = "calm"
    """Two falling notes, once."""


class EnduranceSettings(Options):
    """What keeps a screen well that is never switched off."""

    reload: bool = Field(
        default=True, description="Whether walls load their page anew once a night."
    )
    reload_at: TimeOfDay = Field(
        default=time(4, 10), description="When, local time; later while a grave incident is open."
    )
    reload_within: Duration = Field(
        default=timedelta(minutes=5),
        description="Over how long the screens spread, so that they do not all load at once.",
    )
    shift_px: int = Field(
        default=2, ge=0, le=8, description="How far the picture wanders against burn-in; 0: not."
    )
    shift_every: Duration = Field(
        default=timedelta(minutes=3), description="How often it moves by one pixel."
    )
    idle_after: Duration = Field(
        default=timedelta(hours=1),
        description="After how long without a new incident or a hand a wall dims.",
    )
    idle_brightness: float = Field(
        default=0.8, ge=0.3, le=1, description="How bright it is then; 1 is no dimming."
    )


class SoundSettings(Options):
    """Which new incidents are heard. Off unless it is switched on."""

    on: bool = Field(default=False, description="Whether walls make any sound.")
    volume: float = Field(default=0.5, gt=0, le=1, description="How loud, of what the screen can.")
    kinds: dict[str, Tone] = Field(
        default={}, description='Tone by kind, such as `smoke = "urgent"`; wins over the level.'
    )
    levels: dict[Level, Tone] = Field(
        default={"1": Tone.URGENT, "2": Tone.CALM},
        description="Tone of other incidents by severity, `1` the worst.",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Chime:
    """A new incident that is to be heard once. ``id`` is the incident's."""

    id: str
    tone: Tone


@dataclass(frozen=True, kw_only=True, slots=True)
class Endurance:
    """What a wall is told to do by itself.

    ``reload_at`` is the next quiet reload, None for never; not while ``is_busy``. Screens spread
    over ``spread_s`` seconds. ``chimes`` are the newest incidents that are to be heard.
    """

    reload_at: datetime | None = None
    spread_s: float = 0.0
    is_busy: bool = False
    shift_px: int = 0
    shift_every_s: float = 180.0
    idle_after_s: float = 3600.0
    idle_brightness: float = 1.0
    sounds: bool = False
    volume: float = 0.5
    chimes: tuple[Chime, ...] = ()
