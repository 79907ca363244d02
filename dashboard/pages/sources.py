"""The sources: how each is doing, in words, for whoever looks after them."""

from dash import html

from dashboard.pages.box import box
from dashboard.pages.page import Page
from dashboard.panels.sources import codes, heading, lines


def layout() -> html.Div:
    """The boxes of the page. Every leaf has an id; what is in it comes with the stream."""
    return html.Div(
        [
            html.Div(id="banner", role="alert"),
            box(
                "roster",
                html.H1(id="roster-title", className="may-clip"),
                html.Div(id="roster-labels"),
                html.Div(id="roster-summary"),
                html.Div(id="roster-clock", className="clock"),
            ),
            box(
                "lines",
                html.Div(id="lines-head", className="line line--head"),
                html.Ul(id="lines-rows"),
                framed=True,
            ),
            box(
                "codes",
                html.H2(id="codes-heading"),
                html.Ul(id="codes-rows"),
                framed=True,
            ),
        ],
        className="sources",
    )


PAGE = Page(
    layout=layout,
    panels=(heading.HEADING, lines.LINES, codes.CODES),
    read=lambda backend, _: backend.roster(),
)
