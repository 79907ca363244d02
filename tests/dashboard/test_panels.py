"""What every panel promises, and what some of them say."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from plotly.utils import PlotlyJSONEncoder

from dashboard.panels import PANELS
from dashboard.text import LANGUAGES, say_in
from pipelines.model.clock import ClockState
from pipelines.snapshot import SourceState
from tests.dashboard.builders import (
    NOW,
    a_snapshot,
    a_source,
    a_tile,
    an_empty_snapshot,
    an_incident,
    figures,
    grid_states,
)


def a_degraded_snapshot():
    """Everything at once that a bad day brings."""
    many = tuple(
        an_incident(i, age_s=10 * i, stopped=i % 4, title="长" * 300, units=i) for i in range(40)
    )
    return a_snapshot(
        open=many,
        open_total=5000,
        open_unlocated=13,
        grids=grid_states(many)[:6],
        sources=tuple(a_source(f"源{i}" * 9, state) for i, state in enumerate(SourceState)),
        tiles=tuple(
            replace(tile, figures=figures(18, 2, 9, 3), goal=None) for tile in a_snapshot().tiles
        ),
        map=replace(a_snapshot().map, has_grids=False),
    )


SNAPSHOTS = {
    "empty": an_empty_snapshot(),
    "full": a_snapshot(),
    "degraded": a_degraded_snapshot(),
}


def drawn(panel, snapshot, language="zh"):
    """The panel as the browser would get it."""
    leaves = panel.draw(snapshot, say_in(language))
    return {k: json.loads(json.dumps(v, cls=PlotlyJSONEncoder)) for k, v in leaves.items()}


def words(tree):
    """Every text in a drawing, in order."""
    if isinstance(tree, dict) and not tree.keys() & {"props", "children", "figure", "style"}:
        return [word for leaf in tree.values() for word in words(leaf)]
    if isinstance(tree, dict):
        props = tree.get("props", tree)
        return words(props.get("children"))
    if isinstance(tree, list):
        return [word for item in tree for word in words(item)]
    return [str(tree)] if tree is not None else []


def classes(tree):
    """Every class name in a drawing."""
    if isinstance(tree, dict):
        props = tree.get("props", tree)
        own = str(props.get("className", "")).split()
        return own + classes(props.get("children"))
    if isinstance(tree, list):
        return [name for item in tree for name in classes(item)]
    return []


def panel(name):
    return next(p for p in PANELS if p.id == name)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", SNAPSHOTS)
@pytest.mark.parametrize("panel", PANELS, ids=lambda p: p.id)
def test_a_panel_fills_exactly_its_leaves_whatever_the_snapshot_holds(panel, state, language):
    leaves = drawn(panel, SNAPSHOTS[state], language)

    assert tuple(leaves) == panel.leaves
    assert all(leaf.startswith(panel.id + "-") for leaf in leaves)


@pytest.mark.parametrize("panel", PANELS, ids=lambda p: p.id)
def test_a_panel_draws_the_same_for_the_same_snapshot(panel):
    assert drawn(panel, a_snapshot()) == drawn(panel, a_snapshot())


@pytest.mark.parametrize("panel", PANELS, ids=lambda p: p.id)
def test_nothing_that_is_drawn_changes_with_time_alone(panel):
    later = a_snapshot(now=NOW + timedelta(seconds=3))

    assert drawn(panel, later) == drawn(panel, a_snapshot())


def test_a_tile_says_the_fraction_the_percentage_and_the_interval():
    text = words(drawn(panel("strip"), a_snapshot(tiles=(a_tile(),))))

    assert text[:6] == ["5分钟到达", "累计 · 近30天 · 目标 90%", "184", "/", "186", "98.9"]
    assert {"区间 96.2–99.7", "覆盖 98%", "在途 1"} <= set(text)


def test_a_tile_with_too_few_cases_shows_no_percentage():
    leaves = drawn(panel("strip"), a_snapshot(tiles=(a_tile(figures=figures(5, 0, 0, 0)),)))

    assert "tile__percent" not in classes(leaves["strip-tiles"])
    assert "不足 10 件，不计百分比" in words(leaves)


def test_a_tile_with_low_coverage_is_hatched_and_says_so():
    leaves = drawn(panel("strip"), a_snapshot(tiles=(a_tile(figures=figures(80, 5, 15)),)))

    assert "tile--insufficient" in classes(leaves["strip-tiles"])
    assert "数据不足" in words(leaves)


def test_the_map_is_drawn_anew_for_another_camera_and_not_for_another_count():
    before, after = a_snapshot(), a_snapshot(open=())
    moved = a_snapshot(map=replace(before.map, zoom=before.map.zoom + 1))
    first, second, third = (
        drawn(panel("map"), each)["map-figure"] for each in (before, after, moved)
    )

    assert first == second != third
    assert first["figure"]["layout"]["map"]["style"].startswith("/geo/style.json?")


def test_the_map_says_the_step_of_every_grid_with_open_incidents():
    snapshot = a_snapshot()
    said = drawn(panel("map"), snapshot)["map-grids"]["children"]["props"]["data-steps"]

    counts = {grid.code: grid.open for grid in snapshot.grids}
    assert json.loads(said) == {code: min(n, 3) for code, n in counts.items() if n}


def test_a_marker_has_the_shape_of_its_kind_and_the_state_of_its_next_clock():
    late = an_incident(3, age_s=400, stopped=2, shape="square")
    leaves = drawn(panel("map"), a_snapshot(open=(late,)))

    assert classes(leaves["map-marks"]) == ["mark", "is-missed", "shape", "shape--square"]


def test_an_incident_without_a_position_is_counted_beside_the_map():
    leaves = drawn(panel("map"), a_snapshot(open=(an_incident(lat=None, lon=None),)))

    assert leaves["map-marks"]["children"] == []
    assert "未上图 1 件" in words(leaves["map-heading"])


def test_a_clock_that_was_not_recorded_looks_like_neither_hit_nor_miss():
    incident = an_incident(stopped=2)
    lost = replace(incident.clocks[0], state=ClockState.UNKNOWN, stopped_at=None)
    incident = replace(incident, clocks=(lost, *incident.clocks[1:]))

    names = classes(drawn(panel("open"), a_snapshot(open=(incident,)))["open-rows"])

    assert [n for n in names if n.startswith("step--")] == [
        "step--unknown",
        "step--met",
        "step--next",
    ]


def test_a_long_title_is_not_sent_whole():
    text = words(drawn(panel("open"), a_snapshot(open=(an_incident(title="长" * 300),))))

    assert max(len(word) for word in text) <= 121


@pytest.mark.parametrize("state", SourceState)
def test_every_state_of_a_source_has_its_own_mark(state):
    leaves = drawn(panel("header"), a_snapshot(sources=(a_source(state=state),)))

    assert f"chip--{state}" in classes(leaves["header-sources"])


def test_a_broken_source_is_the_last_to_give_way_when_there_is_no_room_for_all():
    live = [a_source(f"很长的数据源名称{i}") for i in range(30)]
    down = a_source("断开的源", SourceState.DOWN)

    chips = drawn(panel("header"), a_snapshot(sources=(*live, down)))["header-sources"]["children"]

    *shown, more = chips
    assert len(shown) == 24
    assert any("断开的源" in word for word in words(shown[-1]))
    assert shown[-1]["props"]["data-rank"] == "0"
    assert more["props"]["data-hidden"] == "7"


def test_the_intake_has_a_column_for_every_window_and_marks_the_running_one():
    names = classes(drawn(panel("intake"), a_snapshot())["intake-bars"])

    assert names.count("column") == 72
    assert names.count("column--running") == 1


def test_the_ledger_names_every_reason_largest_first():
    text = drawn(panel("quality"), a_snapshot())["quality-ledger"]["children"]

    assert text == "不计入 9 件：巡逻发现 5 · 演练 3 · 时限内撤销 1"
