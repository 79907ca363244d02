"""What walls are to do by themselves now: load anew at night, and be heard."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pipelines.snapshot import OpenIncident
from pipelines.wall.endurance import Chime, Endurance, EnduranceSettings, SoundSettings, Tone

NEW_FOR = timedelta(minutes=5)
"""An incident that began longer ago is not news any more, and makes no sound."""
GRAVE_FOR = timedelta(hours=3)
"""An incident that nobody closes must not keep the walls from their rest for ever."""
WORST = 1
_MOST_CHIMES = 20


def watch(
    opened: Iterable[OpenIncident],
    endurance: EnduranceSettings,
    sound: SoundSettings,
    *,
    now: datetime,
    zone: ZoneInfo,
) -> Endurance:
    """What the settings and the open incidents ask of every wall at a moment."""
    incidents = list(opened)
    at = next_time(endurance.reload_at, now, zone) if endurance.reload else None
    return Endurance(
        reload_at=at,
        spread_s=endurance.reload_within.total_seconds(),
        is_busy=any(is_grave(incident, sound, now=now) for incident in incidents),
        shift_px=endurance.shift_px,
        shift_every_s=endurance.shift_every.total_seconds(),
        idle_after_s=endurance.idle_after.total_seconds(),
        idle_brightness=endurance.idle_brightness,
        sounds=sound.on,
        volume=sound.volume,
        chimes=chimes(incidents, sound, now=now) if sound.on else (),
    )


def chimes(
    opened: Iterable[OpenIncident], sound: SoundSettings, *, now: datetime
) -> tuple[Chime, ...]:
    """The new incidents that are to be heard, newest first, at most a few."""
    newest = sorted(opened, key=lambda i: (i.t0, i.id), reverse=True)
    heard = [
        Chime(id=incident.id, tone=tone)
        for incident in newest
        if now - incident.t0 < NEW_FOR and (tone := tone_of(incident, sound)) is not None
    ]
    return tuple(heard[:_MOST_CHIMES])


def tone_of(incident: OpenIncident, sound: SoundSettings) -> Tone | None:
    """How an incident sounds, by its kind or else by its level. A drill is seen, not heard."""
    if incident.is_drill:
        return None
    if incident.kind in sound.kinds:
        return sound.kinds[incident.kind]
    return {str(level): tone for level, tone in sound.levels.items()}.get(str(incident.severity))


def is_grave(incident: OpenIncident, sound: SoundSettings, *, now: datetime) -> bool:
    """Whether no wall may turn away from it: of the worst level, or with the urgent tone."""
    if now - incident.t0 >= GRAVE_FOR or incident.is_drill:
        return False
    return incident.severity == WORST or sound.kinds.get(incident.kind) is Tone.URGENT


def next_time(at: time, now: datetime, zone: ZoneInfo) -> datetime:
    """The next moment after ``now`` at which clocks of a zone show ``at``; UTC.

    In the night in which an hour is left out or comes twice it is the first that fits.
    """
    local = now.astimezone(zone)
    for days in (0, 1):
        day = local.date() + timedelta(days=days)
        moment = datetime.combine(day, at, zone).astimezone(UTC)
        if moment > now:
            return moment
    return moment + timedelta(days=1)
