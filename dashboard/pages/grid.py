"""One grid: who looks after it, what is known of it, how it does, and what happens there now."""

from dash import html
from dash.development.base_component import Component

from dashboard.pages.box import box
from dashboard.pages.page import DESK_THEMES, Page, themed
from dashboard.panels.grid import (
    base,
    course,
    handling,
    heading,
    heat,
    repeats,
    rows,
    sensors,
    strip,
)
from pipelines.gridfile.file import FILTERS
from pipelines.gridfile.picks import check


def layout() -> html.Div:
    """The boxes of the page. Every leaf has an id; what is in it comes with the stream."""
    return html.Div(
        [
            html.Div(id="banner", role="alert"),
            box(
                "grid",
                html.Nav(id="grid-crumbs", className="crumbs"),
                html.Div(
                    [
                        html.Div([html.H1(id="grid-title"), html.P(id="grid-people")]),
                        html.Div(id="grid-now"),
                    ],
                    className="case__top",
                ),
            ),
            html.Div(
                [
                    box("gridstrip", html.Div(id="gridstrip-tiles")),
                    _column(
                        _listed("gridbase", html.Ul(id="gridbase-rows")),
                        _listed("gridhandling", html.Ul(id="gridhandling-rows")),
                    ),
                    _column(
                        _listed("gridcourse", html.Div(id="gridcourse-dots")),
                        _listed("gridheat", html.Table(id="gridheat-table")),
                    ),
                    _column(
                        _listed("gridrows", html.Ul(id="gridrows-list")),
                        html.Div(
                            [
                                _listed("gridrepeats", html.Ul(id="gridrepeats-rows")),
                                _listed("gridsensors", html.Ul(id="gridsensors-rows")),
                            ],
                            className="grid-pair",
                        ),
                    ),
                ],
                className="grid-boxes",
            ),
        ],
        className="grid-page",
    )


def _listed(panel: str, content: Component) -> html.Section:
    return box(panel, html.H2(id=f"{panel}-heading"), content, framed=True)


def _column(*boxes: Component) -> html.Div:
    return html.Div(list(boxes), className="case-column")


PAGE = Page(
    layout=layout,
    panels=(
        heading.HEADING,
        strip.STRIP,
        base.BASE,
        handling.HANDLING,
        course.COURSE,
        heat.HEAT,
        rows.ROWS,
        repeats.REPEATS,
        sensors.SENSORS,
    ),
    read=lambda backend, filters: backend.grid(filters),
    filters=(*FILTERS, "theme"),
    looks=("theme",),
    choices=DESK_THEMES,
    look=themed,
    check=check,
    is_there=lambda backend, filters: backend.has_grid(filters.get("code", "")),
)
