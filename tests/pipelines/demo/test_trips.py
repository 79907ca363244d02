"""Where the units of the demo street are, and that the product hears of it."""

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from pipelines.demo.model.street import Point, read_street
from pipelines.demo.model.trips import POSITIONS, Ways, trip
from pipelines.registers.units import metres
from tests.pipelines.demo.playing import CONFIG, TUESDAY, playing

STREET = read_street(CONFIG.parent / "demo")
SCENE = Point(30.2550, 120.2150)
MINUTE = timedelta(minutes=1)


def far(one: Point, other: Point) -> float:
    return metres(*one, *other)


def test_a_patrol_walks_its_community_and_never_jumps() -> None:
    ways = Ways(STREET)

    steps = [ways.at(TUESDAY + n * MINUTE)["patrol-01"] for n in range(90)]

    paces = [far(one, other) for one, other in pairwise(steps)]
    assert max(paces) < 200
    assert sum(paces) > 1000
    assert Ways(STREET).at(TUESDAY) == ways.at(TUESDAY)


def test_who_is_sent_goes_there_stays_and_comes_back() -> None:
    ways = Ways(STREET)
    home = STREET.unit("station-02").point
    sent = trip(
        "station-02", SCENE, leaves=TUESDAY, arrives=TUESDAY + 2 * MINUTE, over=TUESDAY + 9 * MINUTE
    )

    ways.learn([sent])
    at = [ways.at(TUESDAY + n * MINUTE)["station-02"] for n in (-1, 1, 2, 8, 10, 11)]

    half = far(home, SCENE) / 2
    assert [at[0], at[2], at[3], at[5]] == [home, SCENE, SCENE, home]
    assert abs(far(at[1], SCENE) - half) < 1
    assert abs(far(at[4], home) - half) < 1


def test_the_product_hears_where_everybody_is(tmp_path: Path) -> None:
    with playing(tmp_path, weeks=0, speed=1, trouble=0) as played:
        played.tick_until(lambda: any(u.seen_at for u in played.live.snapshot().units))

        units = {unit.code: unit for unit in played.live.snapshot().units}

    told = Ways(STREET).at(TUESDAY)
    assert units.keys() == told.keys()
    assert all(far(told[code], Point(u.lat, u.lon)) < 1 for code, u in units.items())
    assert POSITIONS in played.settings.units.located_by
