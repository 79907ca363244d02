"""When walls load anew, and which incidents they let be heard."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.wall.endurance import EnduranceSettings, SoundSettings, Tone
from pipelines.wall.watchkeeping import GRAVE_FOR, NEW_FOR, next_time, watch
from tests.dashboard.builders import NOW, an_incident

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
LOUD = SoundSettings(on=True, kinds={"smoke": Tone.URGENT})


def incident(**fields):
    shown = {"id": "a", "kind": "police", "severity": None, "t0": NOW - timedelta(seconds=30)}
    return replace(an_incident(0), **(shown | fields))


def watched(*incidents, sound=LOUD, **settings):
    return watch(incidents, EnduranceSettings(**settings), sound, now=NOW, zone=SHANGHAI)


def test_nothing_is_heard_unless_it_is_switched_on():
    assert watched(incident(severity=1), sound=SoundSettings()).chimes == ()


@pytest.mark.parametrize(
    ("fields", "tone"),
    [
        ({"kind": "smoke"}, Tone.URGENT),
        ({"kind": "smoke", "severity": 4}, Tone.URGENT),
        ({"severity": 1}, Tone.URGENT),
        ({"severity": 2}, Tone.CALM),
        ({"severity": 3}, None),
        ({"severity": None}, None),
        ({"kind": "smoke", "is_drill": True}, None),
        ({"kind": "smoke", "t0": NOW - NEW_FOR}, None),
    ],
)
def test_the_kind_decides_the_tone_then_the_level(fields, tone):
    heard = [chime.tone for chime in watched(incident(**fields)).chimes]

    assert heard == ([] if tone is None else [tone])


def test_only_the_newest_of_a_flood_are_named():
    flood = [incident(id=f"i{n:03}", severity=1, t0=NOW - timedelta(seconds=n)) for n in range(100)]

    heard = [chime.id for chime in watched(*reversed(flood)).chimes]

    assert heard == [f"i{n:03}" for n in range(20)]


@pytest.mark.parametrize(
    ("fields", "is_busy"),
    [
        ({"severity": 1}, True),
        ({"kind": "smoke"}, True),
        ({"severity": 2}, False),
        ({"severity": 1, "is_drill": True}, False),
        ({"severity": 1, "t0": NOW - GRAVE_FOR}, False),
    ],
)
def test_walls_stay_while_a_grave_incident_is_open(fields, is_busy):
    assert watched(incident(**fields)).is_busy is is_busy


def test_walls_load_anew_at_the_configured_local_time():
    # NOW is 14:43 in Shanghai
    assert watched().reload_at == datetime(2026, 11, 22, 20, 10, tzinfo=UTC)
    assert watched(reload_at="15:00").reload_at == datetime(2026, 11, 22, 7, tzinfo=UTC)
    assert watched(reload=False).reload_at is None


@given(
    now=st.timedeltas(timedelta(0), timedelta(days=730)).map(lambda d: NOW + d),
    at=st.times().map(lambda t: t.replace(microsecond=0)),
    zone=st.sampled_from([SHANGHAI, BERLIN]),
)
def test_the_next_time_is_ahead_and_less_than_a_day_and_a_little(now, at, zone):
    found = next_time(at, now, zone)

    assert now < found <= now + timedelta(hours=25)
    local = found.astimezone(zone).time()
    assert local == at or zone is BERLIN


def test_in_the_night_without_the_hour_walls_still_load_anew_once():
    night = datetime(2026, 3, 28, 20, tzinfo=UTC)  # 02:00 to 03:00 is left out in Berlin

    first = next_time(time(2, 30), night, BERLIN)

    assert first == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert next_time(time(2, 30), first, BERLIN) == datetime(2026, 3, 30, 0, 30, tzinfo=UTC)
