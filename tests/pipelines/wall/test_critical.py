"""Which incidents take over the wall, for how long, and who is near."""

from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import SettingsError
from pipelines.installation import Installation
from pipelines.wall.overview import Memory
from tests.builders import at
from tests.pipelines.installations import IN_G1, a_call, a_file, an_installation, taken_in
from tests.pipelines.wall.reading import the_snapshot

UNITS = (
    "code,type,name,lat,lon,strength\n"
    "a,fire_station,甲站,30.06,120.05,6\n"
    "b,patrol,乙队,30.05,120.07,9\n"
    "c,squad,丙,30.05,120.05,1\n"
)
MORE = '[units]\nfile = "units.csv"\n[wall.scenes]\ncritical_kinds = ["smoke"]\n'


def a_street(folder: Path) -> Installation:
    a_file(folder / "units.csv", UNITS)
    return an_installation(folder, more=MORE)


def keys(street: Installation, seconds: float, **how: Any) -> list[str]:
    return [one.incident.key for one in the_snapshot(street, at(seconds), **how).critical]


def test_a_smoke_alarm_takes_over_for_a_while_and_then_gives_back(tmp_path: Path) -> None:
    street = a_street(tmp_path)
    taken_in(street, a_call("smoke", kind="smoke"), a_call("fire"), now=at(10))

    assert keys(street, 11) == ["smoke"]
    assert keys(street, 99) == ["smoke"]
    assert keys(street, 100) == []


def test_it_says_where_it_is_and_who_is_near(tmp_path: Path) -> None:
    street = a_street(tmp_path)
    taken_in(street, a_call("smoke", kind="smoke", place=IN_G1, reported=0), now=at(10))

    snapshot = the_snapshot(street, at(11))
    (critical,) = snapshot.critical

    assert critical.until == at(100)
    assert [(near.code, near.strength) for near in critical.nearest] == [("a", 6), ("b", 9)]
    assert critical.nearest[0].distance_m == pytest.approx(1112, abs=2)
    assert critical.incident.clocks[2].deadline == at(180)
    assert snapshot.next_change_at is not None
    assert snapshot.next_change_at <= critical.until


def test_a_drill_a_closed_one_and_old_news_do_not_take_over(tmp_path: Path) -> None:
    street = a_street(tmp_path)
    taken_in(
        street,
        a_call("drill", kind="smoke", reported=1900, drill="yes"),
        a_call("closed", kind="smoke", reported=1900, resolved=1950),
        a_call("old", kind="smoke", reported=0),
        now=at(2000),
    )

    assert keys(street, 2001) == []


def test_a_later_report_about_it_does_not_make_it_new_again(tmp_path: Path) -> None:
    street = a_street(tmp_path)
    taken_in(street, a_call("smoke", kind="smoke"), now=at(10))
    taken_in(street, a_call("smoke", kind="smoke", arrived=150, record="r2"), now=at(160))

    assert keys(street, 161) == []


def test_on_a_fast_clock_it_keeps_the_wall_as_long_for_those_who_watch(tmp_path: Path) -> None:
    street = a_street(tmp_path)
    taken_in(street, a_call("smoke", kind="smoke"), now=at(10))

    assert keys(street, 400, memory=Memory(street, rate=6)) == ["smoke"]


def test_a_drill_is_shown_and_never_counted(tmp_path: Path) -> None:
    street = a_street(tmp_path)
    taken_in(street, a_call("drill", kind="smoke", drill="yes"), a_call("real"), now=at(10))

    snapshot = the_snapshot(street, at(11))

    assert {i.key: i.is_drill for i in snapshot.open} == {"real": False, "drill": True}
    assert (snapshot.open_total, snapshot.open_emergencies) == (1, 1)
    assert sum(grid.open for grid in snapshot.grids) == 1


def test_a_kind_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"critical_kinds = \['smok'\]: there is no such kind"):
        an_installation(tmp_path, more='[wall.scenes]\ncritical_kinds = ["smok"]\n')
