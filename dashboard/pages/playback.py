"""Playback: any past hour or day as it was known then, to scrub through."""

from dash import html

from dashboard.pages.box import box
from dashboard.pages.map_box import map_box
from dashboard.pages.page import DESK_THEMES, Page, themed
from dashboard.panels.playback import figures, heading, rows
from dashboard.panels.playback import map as played_map
from pipelines.desk.playback import FILTERS, check


def layout() -> html.Div:
    """The boxes of the page. Every leaf has an id; what is in it comes with the stream."""
    return html.Div(
        [
            html.Div(id="banner", role="alert"),
            box(
                "play",
                html.Nav(id="play-crumbs", className="crumbs"),
                html.Div(
                    [
                        html.Strong(id="play-word", className="play__word"),
                        html.Time(id="play-moment"),
                        html.Div(id="play-known"),
                    ],
                    className="play__top",
                ),
                html.Div(id="play-controls"),  # filled by playback.js
                html.Div(id="play-span"),
            ),
            box("playtiles", html.Div(id="playtiles-row")),
            map_box(),
            box(
                "playopen",
                html.H2(id="playopen-heading"),
                html.Ul(id="playopen-rows"),
                framed=True,
            ),
        ],
        className="playback-page",
    )


PAGE = Page(
    layout=layout,
    panels=(heading.HEADING, figures.FIGURES, played_map.MAP, rows.ROWS),
    read=lambda backend, filters: backend.playback(filters),
    filters=(*FILTERS, "theme"),
    looks=("theme",),
    choices=DESK_THEMES,
    look=themed,
    check=check,
    has_frames=True,
)
