"""Numbers, times and durations, by language and in the area's time zone."""

from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard.text import Say

DASH = "—"
"""Nothing to measure."""


def minute_of_day(at: datetime, time_zone: str) -> str:
    """``14:05`` in the area's zone."""
    return at.astimezone(ZoneInfo(time_zone)).strftime("%H:%M")


def second_of_day(at: datetime, time_zone: str) -> str:
    """``11-24 14:05:09`` in the area's zone."""
    return at.astimezone(ZoneInfo(time_zone)).strftime("%m-%d %H:%M:%S")


def second_of_moment(at: datetime, time_zone: str) -> str:
    """``2026-11-24 14:05:09`` in the area's zone."""
    return at.astimezone(ZoneInfo(time_zone)).strftime("%Y-%m-%d %H:%M:%S")


def date_and_minute(at: datetime, time_zone: str) -> str:
    """``2015-03-02 14:05`` in the given zone: the same in every language, as it is ISO 8601."""
    return at.astimezone(ZoneInfo(time_zone)).strftime("%Y-%m-%d %H:%M")


def since(at: datetime, now: datetime, time_zone: str) -> str:
    """``14:05`` for a moment of today, ``11-21 14:05`` for one of another day."""
    zone = ZoneInfo(time_zone)
    same_day = at.astimezone(zone).date() == now.astimezone(zone).date()
    return at.astimezone(zone).strftime("%H:%M" if same_day else "%m-%d %H:%M")


def epoch_ms(at: datetime) -> int:
    """The moment as the browser counts it."""
    return round(at.timestamp() * 1000)


def duration(seconds: float, say: Say) -> str:
    """A length of time in its one or two largest units; clock.js says the same."""
    whole = max(0, int(seconds))
    minutes, hours, days = whole // 60, whole // 3600, whole // 86_400
    if whole < 60:
        return say("duration.seconds", s=whole)
    if minutes < 60:
        return say("duration.minutes", m=minutes)
    if hours < 24 and minutes % 60 and hours < 10:
        return say("duration.hours_minutes", h=hours, m=minutes % 60)
    if hours < 24:
        return say("duration.hours", h=hours)
    if days < 10 and hours % 24:
        return say("duration.days_hours", d=days, h=hours % 24)
    return say("duration.days", d=days)


def distance(metres: int, say: Say) -> str:
    """A distance, to ten metres below a kilometre and to a hundred above."""
    if metres < 1000:
        return say("distance.metres", m=round(metres, -1))
    return say("distance.kilometres", km=f"{metres / 1000:.1f}")
