"""The wall: read from five metres, never touched."""

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.geometry import Place, position


def layout(names: Sequence[Place]) -> html.Div:
    """The boxes of the wall. Every leaf has an id; what is in it comes with the stream."""
    return html.Div(
        [
            html.Div(id="banner", role="alert"),
            _header(),
            _box("strip", html.Div(id="strip-tiles", className="strip__tiles")),
            _map(names),
            _open(),
            _intake(),
            _quality(),
        ],
        className="wall",
    )


def _box(panel: str, *children: Component, framed: bool = False) -> html.Section:
    notice = html.Div(id=f"{panel}-notice", className="notice")
    frame = " box" if framed else ""
    return html.Section([*children, notice], className=f"panel {panel}{frame}")


def _header() -> html.Section:
    return _box(
        "header",
        html.H1(id="header-title", className="may-clip"),
        html.Div(id="header-labels"),
        html.Div(id="header-sources"),
        html.Div(id="header-clock", className="clock"),
    )


def _map(names: Sequence[Place]) -> html.Section:
    labels = [
        html.Span(place.name, className="name", style=position(place.lat, place.lon))
        for place in names
    ]
    return _box(
        "map",
        dcc.Graph(
            id="map-figure",
            className="map__figure",
            responsive=True,
            config={"displayModeBar": False, "scrollZoom": False, "doubleClick": False},
        ),
        html.Div(
            [html.Div(labels, id="map-names"), html.Div(id="map-marks")],
            id="map-overlay",
            className="map__overlay",
        ),
        html.Div(id="map-heading", className="map__heading"),
        html.Div(id="map-legend", className="legend"),
        html.Div(id="map-list", className="map__list"),
        framed=True,
    )


def _open() -> html.Section:
    return _box(
        "open",
        html.H2(id="open-heading"),
        html.Ul(id="open-rows"),
        html.Div(id="open-more"),
        framed=True,
    )


def _intake() -> html.Section:
    return _box(
        "intake",
        html.H2(id="intake-heading"),
        html.Div(id="intake-bars"),
        html.Div(id="intake-axis"),
        framed=True,
    )


def _quality() -> html.Section:
    return _box(
        "quality",
        html.H2(id="quality-heading"),
        html.Div(id="quality-counts"),
        html.P(id="quality-ledger", className="may-clip"),
        framed=True,
    )
