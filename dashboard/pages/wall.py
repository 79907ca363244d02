"""The wall: read from five metres, never touched."""

from dash import html

from dashboard.pages.box import box
from dashboard.pages.map_box import map_box
from dashboard.pages.page import Page
from dashboard.panels import PANELS
from dashboard.scenes import SCENES, THEMES, looked_at
from pipelines.privacy.clearance import Role


def layout() -> html.Div:
    """The boxes of the wall. Every leaf has an id; what is in it comes with the stream.

    All panels are there in every scene; the style sheet says which are shown, and where.
    """
    return html.Div(
        [
            html.Div(id="banner", role="alert"),
            _header(),
            box("strip", html.Div(id="strip-tiles", className="strip__tiles")),
            map_box(),
            _points(),
            _open(),
            _intake(),
            _quality(),
            _devices(),
            _complaints(),
            _communities(),
            _focus(),
            _stage(),
            box("endurance", html.Div(id="endurance-state", hidden=True)),
        ],
        className="wall",
    )


def _header() -> html.Section:
    return box(
        "header",
        html.Div(
            [html.H1(id="header-title", className="may-clip"), html.Div(id="stage-round")],
            className="header__name",
        ),
        html.Div(id="header-labels"),
        html.Div(id="header-sources"),
        html.Div(id="sound"),  # filled by sound.js
        html.Div(id="header-clock", className="clock"),
    )


def _points() -> html.Section:
    """What points.js draws over the map; nothing of it is seen here."""
    return box(
        "points",
        html.Div(id="points-devices", hidden=True),
        html.Div(id="points-units", hidden=True),
    )


def _open() -> html.Section:
    return box(
        "open",
        html.H2(id="open-heading"),
        html.Ul(id="open-rows", className="rows"),
        html.Div(id="open-more"),
        framed=True,
    )


def _intake() -> html.Section:
    return box(
        "intake",
        html.H2(id="intake-heading"),
        html.Div(id="intake-bars"),
        html.Div(id="intake-axis"),
        framed=True,
    )


def _quality() -> html.Section:
    return box(
        "quality",
        html.H2(id="quality-heading"),
        html.Div(id="quality-counts"),
        html.P(id="quality-ledger", className="may-clip"),
        framed=True,
    )


def _devices() -> html.Section:
    return box(
        "devices",
        html.H2(id="devices-heading"),
        html.Div(id="devices-counts"),
        html.Ul(id="devices-alarms", className="rows"),
        html.Div(id="devices-more"),
        html.Ul(id="devices-troubles", className="rows"),
        framed=True,
    )


def _complaints() -> html.Section:
    return box(
        "complaints",
        html.H2(id="complaints-heading"),
        html.Div(id="complaints-bar"),
        html.Ul(id="complaints-places"),
        html.Ul(id="complaints-rows", className="rows"),
        html.Div(id="complaints-more"),
        framed=True,
    )


def _communities() -> html.Section:
    return box(
        "communities",
        html.H2(id="communities-heading"),
        html.Ul(id="communities-cells"),
        html.Div(id="communities-funnel", className="funnel"),
        framed=True,
    )


def _focus() -> html.Section:
    return box(
        "focus",
        html.H2(id="focus-heading"),
        html.Div(id="focus-figures"),
        html.Ul(id="focus-rows", className="rows"),
        html.Div(id="focus-more"),
        framed=True,
    )


def _stage() -> html.Section:
    return box("stage", html.Div(id="stage-state", hidden=True), html.Div(id="stage-card"))


PAGE = Page(
    layout=layout,
    panels=PANELS,
    read=lambda backend, _: backend.snapshot(),
    filters=("scene", "theme"),
    looks=("scene", "theme"),
    choices={"scene": SCENES, "theme": THEMES},
    look=looked_at,
    least=Role.WALL,
    most=Role.WALL,
)
