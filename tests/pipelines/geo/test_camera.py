from math import cos, radians, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.geometry import world
from pipelines.geo.camera import ROOM_PX, WORLD_PX, camera_over

POINTS = st.lists(
    st.tuples(st.floats(120.1, 120.3), st.floats(30.1, 30.4)), min_size=2, max_size=8, unique=True
)


@given(POINTS, st.floats(-180, 180))
def test_every_point_is_on_the_map_and_none_could_be_larger(points, bearing):
    lat, lon, zoom = camera_over(points, bearing=bearing)

    seen = [on_screen(p, lat, lon, zoom, bearing) for p in points]
    reach = max(max(abs(x) / ROOM_PX[0], abs(y) / ROOM_PX[1]) for x, y in seen) * 2
    assert reach <= 1.01
    # zoom is rounded to hundredths; points on one spot have nothing to fill
    assert reach >= 0.98 or zoom > 20


def on_screen(point, lat, lon, zoom, bearing):
    x0, y0 = world(lat, lon)
    x, y = world(point[1], point[0])
    scale, turn = WORLD_PX * 2**zoom, radians(bearing)
    east, south = (x - x0) * scale, (y - y0) * scale
    return east * cos(turn) + south * sin(turn), south * cos(turn) - east * sin(turn)


def test_north_up_looks_at_the_middle_of_the_box():
    lat, lon, _ = camera_over([(120.20, 30.24), (120.23, 30.24), (120.23, 30.27)], bearing=0)

    assert (lat, lon) == pytest.approx((30.255, 120.215), abs=1e-4)
