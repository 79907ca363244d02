"""What a view shows of the wall's picture."""

from dataclasses import replace

import pytest

from dashboard.scenes import looked_at
from dashboard.views import BadViewError, parse_view
from pipelines.snapshot import Stage
from tests.dashboard.builders import (
    CENTRE_LAT,
    a_community_board,
    a_critical,
    a_snapshot,
    an_empty_snapshot,
    an_incident,
)


def placed(code, **changes):
    board = a_community_board()
    states = tuple(replace(s, **changes) if s.code == code else s for s in board.communities)
    return replace(board, communities=states)


def test_without_looks_a_view_shows_what_the_server_says():
    snapshot = a_snapshot(stage=Stage(scene="fire", scenes=("overview", "fire"), rotates=True))

    assert looked_at(snapshot, {}) == snapshot


def test_a_screen_can_be_given_one_scene_for_good():
    stage = looked_at(a_snapshot(), {"scene": "complaints"}).stage

    assert (stage.scene, stage.rotates, stage.until) == ("complaints", False, None)


def test_the_camera_looks_at_the_community_in_turn():
    board = placed("c03", lat=30.1, lon=120.1, zoom=15.5, extent=(1e-5, 2e-5))
    shown = looked_at(a_snapshot(communities=board), {"scene": "community:c03"}).map

    assert (shown.lat, shown.lon, shown.zoom, shown.extent) == (30.1, 120.1, 15.5, (1e-5, 2e-5))


@pytest.mark.parametrize("wanted", ["community", "community:nowhere"])
def test_a_community_that_is_not_there_is_looked_at_from_where_one_sees_all(wanted):
    shown = looked_at(an_empty_snapshot(), {"scene": wanted})

    assert shown.map == an_empty_snapshot().map


def test_a_critical_incident_takes_over_with_the_camera_close():
    critical = a_critical()
    shown = looked_at(a_snapshot(critical=(critical,)), {})

    assert (shown.stage.scene, shown.stage.until) == ("incident", critical.until)
    assert (shown.map.lat, shown.map.lon) == (critical.incident.lat, critical.incident.lon)
    assert shown.map.zoom > a_snapshot().map.zoom


def test_a_critical_incident_without_a_position_leaves_the_camera_where_it_is():
    nowhere = a_critical(incident=an_incident(lat=None, lon=None))
    shown = looked_at(a_snapshot(critical=(nowhere,)), {})

    assert (shown.stage.scene, shown.map.lat) == ("incident", CENTRE_LAT)


def test_a_critical_incident_moves_no_screen_that_was_given_a_scene():
    shown = looked_at(a_snapshot(critical=(a_critical(),)), {"scene": "overview"})

    assert (shown.stage.scene, shown.map) == ("overview", a_snapshot().map)
    assert shown.critical


@pytest.mark.parametrize(
    ("configured", "asked", "night", "theme"),
    [
        ("dark", None, False, "dark"),
        ("light", None, True, "light"),
        ("auto", None, False, "light"),
        ("auto", None, True, "dark"),
        ("dark", "light", True, "light"),
        ("light", "auto", True, "dark"),
    ],
)
def test_the_url_wins_over_the_configuration_and_auto_follows_the_night(
    configured, asked, night, theme
):
    snapshot = a_snapshot(stage=Stage(theme=configured, is_night=night))

    shown = looked_at(snapshot, {} if asked is None else {"theme": asked})

    assert shown.stage.theme == theme


def test_views_that_only_look_different_are_read_once():
    views = [
        parse_view("wall", query)
        for query in ({}, {"theme": "light"}, {"scene": "fire", "lang": "en"})
    ]

    assert len(set(views)) == 3
    assert len({view.subject for view in views}) == 1


@pytest.mark.parametrize("query", [{"scene": "incident"}, {"scene": "x:y"}, {"theme": "pink"}])
def test_a_look_that_does_not_exist_is_refused_with_what_there_is(query):
    with pytest.raises(BadViewError, match="must be one of"):
        parse_view("wall", query)
