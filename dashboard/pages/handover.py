"""The hand-over of a shift: what the next one has to know, on the screen and on paper."""

from dash import html

from dashboard.pages.box import box
from dashboard.pages.page import DESK_THEMES, Page, themed
from dashboard.panels.handover import heading, items
from pipelines.desk.handover import FILTERS, check


def layout() -> html.Div:
    """The boxes of the page. Every leaf has an id; what is in it comes with the stream."""
    return html.Div(
        [
            html.Div(id="banner", role="alert"),
            box(
                "handover",
                html.Nav(id="handover-crumbs", className="crumbs"),
                html.Div(
                    [
                        html.Div([html.H1(id="handover-title"), html.P(id="handover-span")]),
                        html.Div(id="handover-ways", className="ways"),
                    ],
                    className="case__top",
                ),
                html.Div(id="handover-state"),
                html.Nav(id="handover-earlier"),
            ),
            html.Div(
                [
                    html.Div([_listed("open"), _listed("missed")], className="case-column"),
                    html.Div([_listed("pinned"), _listed("notes")], className="case-column"),
                    html.Div(id="handed-notice", className="notice"),
                ],
                className="handed-boxes panel",
            ),
        ],
        className="handover-page",
    )


def _listed(name: str) -> html.Section:
    return html.Section(
        [html.H2(id=f"handed-{name}-heading"), html.Ul(id=f"handed-{name}")],
        className=f"box handed-{name}",
    )


PAGE = Page(
    layout=layout,
    panels=(heading.HEADING, items.ITEMS),
    read=lambda backend, filters: backend.handover(filters),
    filters=(*FILTERS, "theme"),
    looks=("theme",),
    choices=DESK_THEMES,
    look=themed,
    check=check,
)
