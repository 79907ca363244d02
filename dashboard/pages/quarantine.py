"""Quarantine: what could not be read, why, and what to do about it."""

from dash import html

from dashboard.pages.box import box
from dashboard.pages.page import Page
from dashboard.panels.sources import aside


def layout() -> html.Div:
    """The boxes of the page. Every leaf has an id; what is in it comes with the stream."""
    return html.Div(
        [
            html.Div(id="banner", role="alert"),
            box(
                "aside",
                html.Div(
                    [html.H1(id="aside-title", className="may-clip"), html.Div(id="aside-back")],
                    className="aside__top",
                ),
                html.Div(
                    [
                        html.Section(
                            [
                                html.H2(id="aside-rules-heading"),
                                html.Ul(id="aside-rules"),
                                html.P(id="aside-hint"),
                            ],
                            className="box aside__rules",
                        ),
                        html.Section(
                            [html.H2(id="aside-items-heading"), html.Ul(id="aside-items")],
                            className="box aside__items",
                        ),
                    ],
                    className="aside__boxes",
                ),
            ),
        ],
        className="quarantine",
    )


PAGE = Page(
    layout=layout,
    panels=(aside.ASIDE,),
    read=lambda backend, filters: backend.quarantine(filters.get("source")),
    filters=("source",),
)
