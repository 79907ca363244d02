"""What the configuration says about the wall: scenes, night, shifts, and who looks from where."""

from datetime import datetime, time, timedelta
from enum import StrEnum
from math import radians, tan
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from pipelines.reading.options import Duration, Name, Options

LEAST_ARC_MINUTES = 16.0
"""The smallest text that can be read from where the viewer stands."""


class Scene(StrEnum):
    """The scenes of the wall's playlist."""

    OVERVIEW = "overview"
    """总览: everything at a glance."""
    FIRE = "fire"
    """消防: the devices, and the map."""
    COMPLAINTS = "complaints"
    """诉求: the complaints by their working-time targets."""
    FIGURES = "figures"
    """指标: the communities beside each other, the intake, the quality of the data."""
    COMMUNITY = "community"
    """社区: one community, another one each time."""


def _time_of_day(value: object) -> time:
    try:
        return time.fromisoformat(value) if isinstance(value, str) else value  # type: ignore[return-value]
    except ValueError as error:
        raise ValueError('must be a time of day such as "07:30"') from error


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]


class SceneSettings(Options):
    """The playlist: which scenes, in which order, and how long each stays."""

    order: tuple[Scene, ...] = Field(
        default=tuple(Scene),
        min_length=1,
        description="Which scenes, in this order; each round shows another community.",
    )
    dwell: Duration = Field(default=timedelta(seconds=30), description="How long a scene stays.")
    hold: Duration = Field(
        default=timedelta(minutes=2), description="How long a touch or a mouse stops the rotation."
    )
    rotate: bool = Field(default=True, description="False: the first scene stays.")
    critical_kinds: tuple[str, ...] = Field(
        default=(), description="Kinds whose new incidents take over the wall, such as smoke."
    )
    critical_severity: int = Field(
        default=1,
        ge=0,
        le=4,
        description="So does any new emergency of this severity or worse; 0 is none.",
    )
    critical_for: Duration = Field(
        default=timedelta(seconds=90), description="How long a new incident keeps the wall."
    )


class NightSettings(Options):
    """When the wall is dimmed, and how far."""

    start: TimeOfDay = Field(default=time(22), description="From when, local time.")
    end: TimeOfDay = Field(default=time(6, 30), description="Until when; the next day if earlier.")
    brightness: float = Field(
        default=1.0, ge=0.3, le=1, description="How bright the wall is at night; 1 is no dimming."
    )

    def holds(self, local: datetime) -> bool:
        """Whether it is night at a moment of local time."""
        now = local.time().replace(tzinfo=None)
        if self.start <= self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end


class ShiftSettings(Options):
    """One shift (班次) of the day."""

    name: Name = Field(description="What the header calls it.")
    start: TimeOfDay = Field(alias="from", description="When it begins, local time.")


class LookSettings(Options):
    """How the wall looks, and from where it is looked at."""

    theme: Literal["dark", "light", "auto"] = Field(
        default="dark", description="`light` for bright rooms; `auto` is light by day."
    )
    viewer_distance_m: float = Field(
        default=5.0, gt=0, le=100, description="How far the viewers are from the wall."
    )
    screen_width_m: float = Field(
        default=3.6,
        gt=0,
        le=100,
        description="How wide the wall is; of a video wall wider than 16:9, how wide 16:9 of its "
        "height would be. With the distance it says how large the smallest text must be.",
    )
    scenes: SceneSettings = Field(default=SceneSettings(), description="The playlist.")
    night: NightSettings = Field(default=NightSettings(), description="Dimming at night.")
    shifts: tuple[ShiftSettings, ...] = Field(default=(), description="The shifts of a day.")
    community_days: int = Field(
        default=30, ge=1, le=366, description="How far the board of the communities looks back."
    )

    @field_validator("shifts")
    @classmethod
    def _in_order(cls, value: tuple[ShiftSettings, ...]) -> tuple[ShiftSettings, ...]:
        starts = [shift.start for shift in value]
        if starts != sorted(set(starts)):
            raise ValueError("must be in the order of their times of day, each another one")
        return value

    @property
    def least_share(self) -> float:
        """How high the smallest text must be, in widths of the screen."""
        least_m = self.viewer_distance_m * tan(radians(LEAST_ARC_MINUTES / 60))
        return least_m / self.screen_width_m
