"""The colours and sizes of the wall, checked where they are defined."""

import re
from itertools import pairwise
from math import atan, degrees

import pytest

from dashboard.app import ASSETS
from dashboard.tokens import colours

SIZES = dict(
    re.findall(r"--(size-[\w-]+): ([^;]+);", (ASSETS / "10-tokens.css").read_text("utf-8"))
)
THEMES = ("dark", "light")
SCREEN_M, DISTANCE_M = 3.6, 5.0


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("surface", ["ground", "surface", "surface-map"])
@pytest.mark.parametrize(
    "ink", ["ink", "ink-2", "ink-3", "running", "warning", "missed", "good", "near", "bad"]
)
def test_every_ink_has_a_contrast_of_seven_to_one(ink, surface, theme):
    assert contrast(colours(theme)[ink], colours(theme)[surface]) >= 7


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_a_level_can_be_read_on_its_colour(level):
    assert contrast(colours("dark")[f"level-{level}"], colours("dark")["on-level"]) >= 7


@pytest.mark.parametrize("theme", THEMES)
def test_the_steps_of_the_ramp_can_be_told_apart(theme):
    steps = sorted(luminance(colours(theme)[f"ramp-{i}"]) for i in range(3))

    assert all(b / a > 1.3 for a, b in pairwise(steps))


def test_the_light_theme_says_every_colour_that_the_dark_one_has():
    text = (ASSETS / "10-tokens.css").read_text("utf-8")
    dark, light = text.split('[data-theme="light"]')
    named = [set(re.findall(r"--([\w-]+): (?:#|rgb)", part)) for part in (dark, light)]

    assert named[0] - named[1] == {"on-level", *(f"level-{i}" for i in (1, 2, 3, 4))}


@pytest.mark.parametrize("size", SIZES)
def test_text_can_be_read_from_five_metres(size):
    height_m = float(SIZES[size].removesuffix("rem")) * 16 * SCREEN_M / 1920

    assert degrees(atan(height_m / DISTANCE_M)) * 60 >= 16
