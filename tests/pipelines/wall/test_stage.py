"""Which scene is in turn: by the clock alone, so that every wall agrees."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.wall.settings import LookSettings, Scene
from pipelines.wall.stage import scenes_with_something, shift_at, stage_at

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
ALL = frozenset(Scene)
PLACES = ("c1", "c2", "c3")


def look(**said: object) -> LookSettings:
    return LookSettings.model_validate(said)


def stages(settings: LookSettings, n: int, every: timedelta, **how: object):  # type: ignore[no-untyped-def]
    how = {"zone": SHANGHAI, "communities": PLACES, "possible": ALL, **how}
    return [stage_at(NOON + i * every, settings, **how) for i in range(n)]  # type: ignore[arg-type]


def test_each_scene_stays_its_time_and_the_round_begins_anew() -> None:
    found = stages(look(scenes={"dwell": "20s"}), 10, timedelta(seconds=20))

    names = [stage.scene for stage in found]
    assert sorted(names[:5]) == sorted(scene.value for scene in Scene)
    assert names[:5] == names[5:]
    assert all(stage.rotates for stage in found)


def test_each_round_shows_the_next_community() -> None:
    found = stages(look(scenes={"dwell": "20s"}), 20, timedelta(seconds=20))

    shown = [stage.community for stage in found if stage.scene == "community"]
    first = PLACES.index(shown[0])
    assert shown == [PLACES[(first + i) % 3] for i in range(len(shown))]
    assert {stage.community for stage in found if stage.scene != "community"} == {""}


@given(st.integers(0, 10_000), st.integers(1, 400))
def test_a_stage_lasts_exactly_until_it_says(seconds: int, dwell: int) -> None:
    settings = look(scenes={"dwell": f"{dwell}s"})
    now = NOON + timedelta(seconds=seconds)
    how = {"zone": SHANGHAI, "communities": PLACES, "possible": ALL}
    stage = stage_at(now, settings, **how)  # type: ignore[arg-type]
    assert stage.until is not None
    assert stage.until > now

    before = stage_at(stage.until - timedelta(milliseconds=1), settings, **how)  # type: ignore[arg-type]
    after = stage_at(stage.until, settings, **how)  # type: ignore[arg-type]

    assert before == stage
    assert after.scene != stage.scene


def test_on_a_fast_clock_a_scene_stays_as_long_for_those_who_watch() -> None:
    stage = stages(look(scenes={"dwell": "30s"}), 1, timedelta(0), rate=6.0)[0]

    earlier = stage.until - timedelta(seconds=179)
    same = stage_at(
        earlier,
        look(scenes={"dwell": "30s"}),
        zone=SHANGHAI,
        rate=6.0,
        communities=PLACES,
        possible=ALL,
    )
    assert same.scene == stage.scene


def test_a_scene_with_nothing_to_show_is_left_out() -> None:
    possible = scenes_with_something(devices=False, complaints=True, communities=False)
    found = stages(look(scenes={"dwell": "20s"}), 9, timedelta(seconds=20), possible=possible)

    assert {stage.scene for stage in found} == {"overview", "complaints"}


def test_one_scene_does_not_rotate() -> None:
    stage = stages(look(scenes={"order": ["fire"]}), 1, timedelta(0))[0]

    assert (stage.scene, stage.rotates, stage.until) == ("fire", False, None)


@pytest.mark.parametrize(
    ("local", "night"), [("21:59", False), ("22:00", True), ("02:00", True), ("06:30", False)]
)
def test_night_is_a_span_of_local_time_over_midnight(local: str, night: bool) -> None:
    hour, minute = map(int, local.split(":"))
    now = datetime(2026, 11, 22, hour, minute, tzinfo=SHANGHAI).astimezone(UTC)
    stage = stage_at(
        now,
        look(night={"brightness": 0.5}),
        zone=SHANGHAI,
        communities=(),
        possible=ALL,
    )

    assert stage.is_night is night
    assert stage.brightness == (0.5 if night else 1.0)


SHIFTS = [{"name": "白班", "from": "08:00"}, {"name": "夜班", "from": "20:00"}]


@pytest.mark.parametrize(
    ("local", "name", "until"),
    [
        ("2026-11-22T08:00", "白班", "2026-11-22T20:00"),
        ("2026-11-22T19:59", "白班", "2026-11-22T20:00"),
        ("2026-11-22T23:00", "夜班", "2026-11-23T08:00"),
        ("2026-11-23T07:59", "夜班", "2026-11-23T08:00"),
    ],
)
def test_the_shift_on_duty_and_when_it_ends(local: str, name: str, until: str) -> None:
    def moment(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)

    shift = shift_at(moment(local), look(shifts=SHIFTS).shifts, zone=SHANGHAI)

    assert shift is not None
    assert (shift.names["zh"], shift.until) == (name, moment(until))


def test_one_shift_lasts_a_day() -> None:
    shift = shift_at(NOON, look(shifts=SHIFTS[:1]).shifts, zone=SHANGHAI)

    assert shift is not None
    assert shift.until == datetime(2026, 11, 23, 0, 0, tzinfo=UTC)


def test_shifts_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="in the order"):
        look(shifts=SHIFTS[::-1])


def test_the_smallest_text_follows_from_distance_and_width() -> None:
    assert look().least_share * 1920 == pytest.approx(12.41, abs=0.01)
    assert look(viewer_distance_m=10).least_share == pytest.approx(2 * look().least_share)
