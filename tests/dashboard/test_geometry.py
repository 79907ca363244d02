import pytest

from dashboard.geometry import camera, world
from tests.dashboard.builders import a_snapshot


def test_the_middle_of_the_world_is_in_the_middle():
    assert world(0, 0) == pytest.approx((0.5, 0.5))
    assert world(85.0511287798, 180) == pytest.approx((1, 0), abs=1e-9)


def test_a_camera_without_a_bearing_turns_nothing():
    style = camera(a_snapshot().map)

    assert (float(style["--turn-cos"]), float(style["--turn-sin"])) == (1, 0)
