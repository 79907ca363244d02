"""The box of a map: the drawing, what lies over it, and the list that says the same."""

from dash import dcc, html

from dashboard.pages.box import box

_NOTHING_YET = {"layout": {"xaxis": {"visible": False}, "yaxis": {"visible": False}}}
"""Before the map is told. Without any figure Plotly draws two axes with their numbers, which costs
a page a third of a second of processor time."""


def map_box() -> html.Section:
    """The map's leaves, in the order in which they lie over each other."""
    return box(
        "map",
        dcc.Graph(
            id="map-figure",
            className="map__figure",
            figure=_NOTHING_YET,
            responsive=True,
            config={"displayModeBar": False, "scrollZoom": False, "doubleClick": False},
        ),
        html.Div(id="map-grids", hidden=True),
        html.Div(
            [html.Canvas(id="map-points"), html.Div(id="map-names"), html.Div(id="map-marks")],
            id="map-overlay",
            className="map__overlay",
        ),
        html.Div(id="map-heading", className="map__heading"),
        html.Div(id="map-north", className="north"),
        html.Div(id="map-legend", className="legend"),
        html.Div(id="map-list", className="map__list"),
        framed=True,
    )
