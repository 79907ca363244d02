"""One incident: what was said, how its clocks stand and why, and what belongs to it."""

from dash import html

from dashboard.pages.box import box
from dashboard.pages.map_box import map_box
from dashboard.pages.page import DESK_THEMES, Page, themed
from dashboard.panels.case import around, heading, hidden, notes, place, reports, timeline, verdicts


def layout() -> html.Div:
    """The boxes of the page. Every leaf has an id; what is in it comes with the stream."""
    return html.Div(
        [
            html.Div(id="banner", role="alert"),
            box(
                "case",
                html.Nav(id="case-crumbs", className="crumbs"),
                html.Div(
                    [
                        html.Div([html.H1(id="case-title"), html.P(id="case-place")]),
                        html.Div(id="case-state"),
                    ],
                    className="case__top",
                ),
            ),
            _column(
                box(
                    "verdicts",
                    html.H2(id="verdicts-heading"),
                    html.Div(id="verdicts-rows"),
                    framed=True,
                ),
                box(
                    "notes",
                    html.H2(id="notes-heading"),
                    html.Ul(id="notes-rows"),
                    html.Div(id="notes-ways"),
                    framed=True,
                ),
                box("hidden", html.H2(id="hidden-heading"), html.Ul(id="hidden-rows")),
            ),
            _column(
                box(
                    "timeline",
                    html.H2(id="timeline-heading"),
                    html.Ol(id="timeline-rows"),
                    framed=True,
                ),
                box(
                    "reports",
                    html.H2(id="reports-heading"),
                    html.Ul(id="reports-rows"),
                    framed=True,
                ),
            ),
            _column(
                map_box(),
                box(
                    "around", html.H2(id="around-heading"), html.Div(id="around-rows"), framed=True
                ),
            ),
        ],
        className="incident-page",
    )


def _column(*boxes: html.Section) -> html.Div:
    return html.Div(list(boxes), className="case-column")


PAGE = Page(
    layout=layout,
    panels=(
        heading.HEADING,
        verdicts.VERDICTS,
        timeline.TIMELINE,
        reports.REPORTS,
        place.PLACE,
        around.AROUND,
        hidden.HIDDEN,
        notes.NOTES,
    ),
    read=lambda backend, filters: backend.case(filters.get("id", "")),
    filters=("id", "theme"),
    looks=("theme",),
    choices=DESK_THEMES,
    look=themed,
    is_there=lambda backend, filters: backend.has_case(filters.get("id", "")),
)
