"""One incident: what was said, how its clocks stand, and why."""

from dash import html

from dashboard.pages.box import box
from dashboard.pages.page import Page
from dashboard.panels.case import heading, hidden, reports, timeline, verdicts


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
            box(
                "verdicts",
                html.H2(id="verdicts-heading"),
                html.Div(id="verdicts-rows"),
                framed=True,
            ),
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
            box("hidden", html.H2(id="hidden-heading"), html.Ul(id="hidden-rows")),
        ],
        className="incident-page",
    )


PAGE = Page(
    layout=layout,
    panels=(heading.HEADING, verdicts.VERDICTS, timeline.TIMELINE, reports.REPORTS, hidden.HIDDEN),
    read=lambda backend, filters: backend.case(filters.get("id", "")),
    filters=("id",),
)
