"""The definition lab: how much of a figure is the rule, and what in the data is to be checked."""

from dash import html

from dashboard.pages.box import box
from dashboard.pages.page import Page
from dashboard.panels.lab import checks, frozen, heading, rules, span
from pipelines.desk.lab_board import FILTERS, check


def layout() -> html.Div:
    """The boxes of the page. Every leaf has an id; what is in it comes with the stream."""
    return html.Div(
        [
            html.Div(id="banner", role="alert"),
            box(
                "lab",
                html.Div(
                    [html.Nav(id="lab-crumbs", className="crumbs"), html.Div(id="lab-ways")],
                    className="desk__top",
                ),
                html.Div(id="lab-filters"),
            ),
            box(
                "span",
                html.Div(id="span-figure"),
                html.Div(
                    [
                        html.Div(id="span-finding"),
                        html.Div(id="span-axis"),
                        html.Div(id="span-moved"),
                    ],
                    className="span__right",
                ),
                framed=True,
            ),
            box(
                "rules",
                html.H2(id="rules-heading"),
                html.Table(id="rules-table"),
                html.P(id="rules-foot"),
                framed=True,
            ),
            box(
                "checks",
                html.H2(id="checks-heading"),
                html.Ul(id="checks-rows"),
                html.Div(id="checks-looked"),
                html.P(id="checks-foot"),
                framed=True,
            ),
            box("frozen", html.H2(id="frozen-heading"), html.Ul(id="frozen-rows"), framed=True),
        ],
        className="desk-page lab-page",
    )


PAGE = Page(
    layout=layout,
    panels=(heading.HEADING, span.SPAN, rules.RULES, checks.CHECKS, frozen.FROZEN),
    read=lambda backend, filters: backend.lab(filters),
    filters=FILTERS,
    check=check,
)
