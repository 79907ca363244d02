"""The stage at a moment: which scene is in turn, who is on duty, whether it is night."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pipelines.snapshot import Shift, Stage
from pipelines.wall.settings import LookSettings, Scene, ShiftSettings

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def stage_at(
    now: datetime,
    look: LookSettings,
    *,
    zone: ZoneInfo,
    rate: float = 1.0,
    communities: Sequence[str],
    possible: frozenset[Scene],
) -> Stage:
    """The stage by the clock alone, so that every server and every wall agree without a word.

    ``possible`` are the scenes that have something to show here; ``rate`` is how fast the clock
    runs.
    """
    scenes = look.scenes
    order = tuple(s for s in scenes.order if s in possible) or (Scene.OVERVIEW,)
    rotates = scenes.rotate and len(order) > 1
    dwell = scenes.dwell * rate
    turn = (now - _EPOCH) // dwell if rotates else 0
    scene = order[turn % len(order)]
    is_night = look.night.holds(now.astimezone(zone))
    return Stage(
        scene=scene.value,
        community=_in_turn(scene, turn // len(order), communities),
        scenes=tuple(dict.fromkeys(s.value for s in order)),
        until=_EPOCH + (turn + 1) * dwell if rotates else None,
        rotates=rotates,
        theme=look.theme,
        is_night=is_night,
        brightness=look.night.brightness if is_night else 1.0,
        hold_s=scenes.hold.total_seconds(),
        least_share=look.least_share,
    )


def _in_turn(scene: Scene, round_number: int, communities: Sequence[str]) -> str:
    """Each round of the playlist shows the next community."""
    if scene is not Scene.COMMUNITY or not communities:
        return ""
    return communities[round_number % len(communities)]


def shift_at(now: datetime, shifts: Sequence[ShiftSettings], *, zone: ZoneInfo) -> Shift | None:
    """The shift that is on duty; before the first of the day, the last of the day before is."""
    if not shifts:
        return None
    local = now.astimezone(zone)
    begun = [i for i, shift in enumerate(shifts) if shift.start <= local.time()]
    index = begun[-1] if begun else len(shifts) - 1
    following = shifts[(index + 1) % len(shifts)]
    day = local.date()
    if following.start <= local.time():
        day += timedelta(days=1)
    until = datetime.combine(day, following.start, tzinfo=zone).astimezone(UTC)
    return Shift(names=shifts[index].name.as_dict(), until=until)


def scenes_with_something(
    *, devices: bool, complaints: bool, communities: bool
) -> frozenset[Scene]:
    """The scenes that make sense where these are configured."""
    found = {Scene.OVERVIEW}
    if devices:
        found.add(Scene.FIRE)
    if complaints:
        found.add(Scene.COMPLAINTS)
    if communities:
        found |= {Scene.FIGURES, Scene.COMMUNITY}
    return frozenset(found)
