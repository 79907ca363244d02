"""The desk: from the street down to the incident, every number a way to its rows."""

from dash import html

from dashboard.pages.box import box
from dashboard.pages.page import Page
from dashboard.panels.desk import cases, course, heading, parts, tiles
from pipelines.board import FILTERS, check


def layout() -> html.Div:
    """The boxes of the page. Every leaf has an id; what is in it comes with the stream."""
    return html.Div(
        [
            html.Div(id="banner", role="alert"),
            box(
                "desk",
                html.Div(
                    [html.Nav(id="desk-crumbs", className="crumbs"), html.Div(id="desk-ways")],
                    className="desk__top",
                ),
                html.Div(id="desk-filters"),
            ),
            box("tiles", html.Div(id="tiles-row")),
            box("parts", html.H2(id="parts-heading"), html.Ul(id="parts-rows"), framed=True),
            box("course", html.H2(id="course-heading"), html.Div(id="course-bars"), framed=True),
            box("cases", html.H2(id="cases-heading"), html.Ul(id="cases-rows"), framed=True),
        ],
        className="desk-page",
    )


PAGE = Page(
    layout=layout,
    panels=(heading.HEADING, tiles.TILES, parts.PARTS, course.COURSE, cases.CASES),
    read=lambda backend, filters: backend.board(filters),
    filters=FILTERS,
    check=check,
)
